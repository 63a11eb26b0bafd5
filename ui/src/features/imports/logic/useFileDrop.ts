/** Files dragged over the window and dropped anywhere on it. A place that takes them itself (a drop zone) has said so by then. */
import { useEffect, useEffectEvent, useState } from "react";
import { tablesOf } from "./dropped";

const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;

/** Something that takes files or asks for an answer is on screen: then the window itself invites nobody. */
const taken = () => document.querySelector("[data-drop-zone], [role=dialog]") !== null;

/** Whether files hang over the window now; `onDrop` gets the tables among those that were dropped. */
export function useFileDrop(onDrop: (files: File[]) => void): boolean {
  const [over, setOver] = useState(false);
  const drop = useEffectEvent((files: File[]) => {
    if (files.length > 0 && document.querySelector("[role=dialog]") === null) onDrop(files);
  });
  useEffect(() => {
    const hang = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      // Without this the window would leave the console and show the file.
      event.preventDefault();
      setOver(!taken());
    };
    const leave = (event: DragEvent) => {
      if (!event.relatedTarget) setOver(false);
    };
    const fall = (event: DragEvent) => {
      setOver(false);
      if (event.defaultPrevented || !carriesFiles(event)) return;
      event.preventDefault();
      drop(tablesOf(event.dataTransfer?.files ?? []));
    };
    window.addEventListener("dragover", hang);
    window.addEventListener("dragleave", leave);
    window.addEventListener("drop", fall);
    return () => {
      window.removeEventListener("dragover", hang);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("drop", fall);
    };
  }, []);
  return over;
}
