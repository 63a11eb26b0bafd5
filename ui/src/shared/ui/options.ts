/** A list under a text field: the field keeps the focus, arrows move the choice, Enter takes it. Used by switcher and palette. */
import { type KeyboardEvent, useState } from "react";

/** Keeps the choice inside a list of `count` options. */
export function useChoice(
  count: number,
  take: (index: number) => void,
): { index: number; reset: () => void; onKeyDown: (event: KeyboardEvent) => void } {
  const [wanted, setWanted] = useState(0);
  const index = Math.min(wanted, Math.max(0, count - 1));
  return {
    index,
    reset: () => setWanted(0),
    onKeyDown: (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (count > 0) setWanted((index + (event.key === "ArrowDown" ? 1 : count - 1)) % count);
      } else if (event.key === "Enter" && count > 0) {
        event.preventDefault();
        take(index);
      }
    },
  };
}

/** Whether every word typed occurs in one of the texts. */
export function fits(query: string, ...texts: string[]): boolean {
  const hay = texts.join(" ").toLocaleLowerCase();
  return query
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => hay.includes(word));
}
