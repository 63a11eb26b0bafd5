/** The sheet of keyboard shortcuts. */
import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { ShortcutList } from "@/shared/ui/ShortcutList";

/** Shortcuts as a dialog. */
export function ShortcutSheet(props: { onClose: () => void }) {
  const { t } = useTranslation("shared");
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={t("shortcuts.title")}
      closeButtonProps={{ "aria-label": t("close") }}
      size={420}
    >
      <ShortcutList />
    </Modal>
  );
}
