/** Where a file is dropped; the button inside does the same for the keyboard. */
import { Button, type ButtonProps } from "@mantine/core";
import { type ReactNode, useRef, useState } from "react";
import classes from "./kit.module.css";

/** A zone for one file. While `busy` no other file is taken. */
export function DropZone(props: {
  icon: ReactNode;
  title: string;
  body: string;
  /** What the button says. */
  choose: string;
  /** Names of the zone and of its file field. */
  label: string;
  testId: string;
  /** Endings of the files, as a file field wants them. */
  accept: string;
  busy?: boolean;
  button?: ButtonProps & { "data-autofocus"?: boolean };
  onFile: (file: File) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const take = (file: File | undefined) => {
    if (file && !props.busy) props.onFile(file);
  };
  return (
    <section
      className={classes.drop}
      data-over={over}
      data-drop-zone
      aria-label={props.label}
      aria-busy={props.busy}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer.files[0]);
      }}
    >
      {props.icon}
      <h2>{props.title}</h2>
      <p>{props.body}</p>
      <Button {...props.button} loading={props.busy ?? false} onClick={() => input.current?.click()}>
        {props.choose}
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        accept={props.accept}
        aria-label={props.choose}
        data-testid={props.testId}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          // The same file may be chosen again after it was changed.
          event.currentTarget.value = "";
          take(file);
        }}
      />
    </section>
  );
}
