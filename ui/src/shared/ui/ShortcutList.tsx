/** The list of keyboard shortcuts, for the sheet (F1) and for Settings. */
import { useTranslation } from "react-i18next";
import { Key } from "./Layout";
import { type ShortcutId, shortcuts } from "./shortcuts";

const tableKeys = { arrows: "↑ ↓", enter: "Enter", space: "Space", escape: "Esc" } as const;

/** Every shortcut with its keys. */
export function ShortcutList() {
  const { t } = useTranslation("shared");
  const rows: { label: string; keys: string }[] = [
    ...(Object.keys(shortcuts) as ShortcutId[]).map((id) => ({
      label: t(`shortcuts.${id}`),
      keys: id === "help" ? "F1, ?" : shortcuts[id].keys,
    })),
    ...(Object.keys(tableKeys) as (keyof typeof tableKeys)[]).map((id) => ({
      label: t(`shortcuts.${id}`),
      keys: tableKeys[id],
    })),
  ];
  return (
    <dl style={{ display: "grid", gridTemplateColumns: "1fr auto", gap: "10px 24px" }}>
      {rows.map((row) => (
        <div key={row.label} style={{ display: "contents" }}>
          <dt>{row.label}</dt>
          <dd style={{ textAlign: "right" }}>
            <Key keys={row.keys} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
