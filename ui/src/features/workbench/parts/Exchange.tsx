/** A request and its answer: what was sent and what came, with secrets masked by the backend before they got here. */
import { useTranslation } from "react-i18next";
import type { TestExchange } from "@/gen/contract";
import { useFormat } from "@/shared/format/useFormat";
import { JsonText } from "@/shared/ui/JsonText";
import { StateWord } from "@/shared/ui/States";
import classes from "../workbench.module.css";

/** The status in a word and a colour. */
export function StatusWord(props: { of: TestExchange }) {
  const { t } = useTranslation("workbench");
  const { status } = props.of;
  if (status === null) return <StateWord tone="act" word={t("test.no_answer")} />;
  return <StateWord tone={status < 300 ? "good" : status < 400 ? "off" : "act"} word={String(status)} />;
}

/** The address without what every request of a connector shares. */
export function shortUrl(url: string): string {
  return url.replace(/^https?:\/\/[^/]+/, "") || "/";
}

/** Both sides of an exchange. */
export function ExchangeView(props: { of: TestExchange }) {
  const { t } = useTranslation("workbench");
  const format = useFormat();
  const { of } = props;
  return (
    <div className={classes.exchange} data-testid="exchange">
      <section aria-label={t("test.request")}>
        <h3>{t("test.request")}</h3>
        <p className={classes.url}>
          <b>{of.method}</b> {of.url}
        </p>
        <Headers of={of.request_headers} />
        {of.request_body ? <JsonText label={t("test.request_body")} text={of.request_body} /> : null}
      </section>
      <section aria-label={t("test.response")}>
        <h3>
          {t("test.response")}
          <span>
            {t("test.answer", {
              size: format.bytes(of.bytes),
              time: format.duration(of.millis),
              attempt: of.attempt,
            })}
          </span>
        </h3>
        <Headers of={of.response_headers} />
        {of.response_body ? <JsonText label={t("test.response_body")} text={of.response_body} /> : null}
        {of.cut ? <p className={classes.quiet}>{t("test.cut", { size: format.bytes(of.bytes) })}</p> : null}
      </section>
    </div>
  );
}

function Headers(props: { of: [string, string][] }) {
  const { t } = useTranslation("workbench");
  if (props.of.length === 0) return null;
  return (
    <details className={classes.headers}>
      <summary>{t("test.headers", { count: props.of.length })}</summary>
      <dl>
        {props.of.map(([name, value], index) => (
          <div key={`${name} ${String(index)}`}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
