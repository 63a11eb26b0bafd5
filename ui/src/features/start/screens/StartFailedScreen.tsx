/** The backend does not answer at all: a second window, a damaged or newer file, a full disk. */
import type { CallError } from "@/host/host";
import { ErrorPanel } from "@/shared/ui/Notices";
import { Brand } from "../parts/Brand";
import classes from "./start.module.css";

/** Nothing works; says why and tries again. */
export function StartFailedScreen(props: { error: CallError; onRetry: () => void }) {
  return (
    <main className={classes.center}>
      <div className={classes.card}>
        <Brand />
        <div style={{ marginTop: 20 }}>
          <ErrorPanel error={props.error} onAction={props.onRetry} />
        </div>
      </div>
    </main>
  );
}
