/** What the backend says of a manifest while it is being typed: asked when the typing pauses, with the last answer kept meanwhile. */
import { useDebouncedValue } from "@mantine/hooks";
import type { ManifestProblem, ManifestReport, ManifestText } from "@/gen/contract";
import type { CallError } from "@/host/host";
import { useRead } from "@/shared/query/query";
import type { Mark } from "../parts/CodeEditor";
import { lineOf } from "./places";

const PAUSE_MS = 350;

/** An inspection under way. */
export interface Inspection {
  /** The newest answer; it may be of an older text while `busy`. */
  report: ManifestReport | undefined;
  /** Whether the answer is older than the text. */
  busy: boolean;
  /** Why there is no answer. */
  error: CallError | null;
  /** Asks again. */
  again: () => void;
}

/** Inspects a text as it changes. */
export function useInspection(text: ManifestText): Inspection {
  const [settled] = useDebouncedValue(text, PAUSE_MS);
  const read = useRead("manifest_inspect", settled, { keep: true, enabled: settled.manifest.trim() !== "" });
  const same =
    settled.manifest === text.manifest && settled.mapping === text.mapping && settled.copy_of === text.copy_of;
  return {
    report: read.data,
    busy: !same || read.isFetching,
    error: read.error,
    again: () => void read.refetch(),
  };
}

/** A problem and the line it stands on, when that can be told. */
export interface Placed {
  /** It. */
  problem: ManifestProblem;
  /** From 1. */
  line: number | null;
}

/** Finds the lines of problems in the texts they are about. */
export function placed(problems: ManifestProblem[], manifest: string, mapping: string): Placed[] {
  return problems.map((problem) => {
    // A text that cannot be read at all is said by the reader, with its line.
    const said = /\bline (\d+)\b/.exec(problem.message)?.[1];
    const line = problem.path === "" ? null : lineOf(problem.file === "manifest" ? manifest : mapping, problem.path);
    return { problem, line: line ?? (said ? Number(said) : null) };
  });
}

/** The marks of one file. */
export function marksOf(all: Placed[], file: ManifestProblem["file"]): Mark[] {
  return all.flatMap(({ problem, line }) =>
    problem.file === file && line !== null ? [{ line, message: problem.message }] : [],
  );
}
