/** What is wrong with a manifest or its mapping: the line, the place, and the sentence that helps. */
import { IconAlertOctagonFilled } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Placed } from "../logic/inspection";
import classes from "../workbench.module.css";

/** The list; `onShow` goes to the place in the text. */
export function Problems(props: { of: Placed[]; onShow?: (found: Placed) => void }) {
  const { t } = useTranslation("workbench");
  return (
    <ul className={classes.problems} aria-label={t("problems")} data-testid="problems" aria-live="polite">
      {props.of.map((found) => {
        const { problem, line } = found;
        const { onShow } = props;
        return (
          <li key={`${problem.file} ${problem.path} ${problem.message}`}>
            <IconAlertOctagonFilled size={14} aria-hidden />
            <div>
              <p>{problem.message}</p>
              <p className={classes.place}>
                <span>{t(`file.${problem.file}`)}</span>
                {problem.path ? <code>{problem.path}</code> : null}
                {line === null ? null : onShow ? (
                  <button type="button" className={classes.jump} onClick={() => onShow(found)}>
                    {t("show_line", { line })}
                  </button>
                ) : (
                  <span>{t("line", { line })}</span>
                )}
              </p>
            </div>
          </li>
        );
      })}
    </ul>
  );
}
