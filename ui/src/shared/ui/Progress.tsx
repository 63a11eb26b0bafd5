/** A progress bar; a wait for quota is hatched, because time and not work is passing. */
import type { Progress, RunState } from "@/gen/contract";
import classes from "./kit.module.css";

/** Share of a run that is done, from slices; `null` while nothing is planned yet. */
export function shareOf(progress: Progress): number | null {
  return progress.slices_total > 0 ? progress.slices_done / progress.slices_total : null;
}

/** A bar of 0 to 1; `null` is "moving, share unknown". */
export function ProgressBar(props: { share: number | null; label: string; state?: RunState }) {
  const percent = props.share === null ? null : Math.round(Math.min(1, Math.max(0, props.share)) * 100);
  return (
    <div
      className={classes.bar}
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(percent === null ? {} : { "aria-valuenow": percent })}
      data-state={props.state}
      data-unknown={percent === null}
    >
      <i style={percent === null ? undefined : { width: `${percent}%` }} />
    </div>
  );
}
