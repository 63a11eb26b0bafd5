/**
 * Where a place of a manifest stands in its text. The backend names places by path (`streams/0/retriever`); a person looks
 * for a line. Block YAML and indented JSON are followed by their indentation; flow style ends the search at the line it
 * stands on, which is near enough to look at.
 */

interface Line {
  /** From 1. */
  number: number;
  /** Columns before the text. */
  indent: number;
  /** The text without indentation. */
  text: string;
}

function linesOf(text: string): Line[] {
  return text
    .split("\n")
    .map((line, index) => {
      const body = line.trimStart();
      return { number: index + 1, indent: line.length - body.length, text: body.trimEnd() };
    })
    .filter((line) => line.text !== "" && !line.text.startsWith("#") && line.text !== "---");
}

const isItem = (line: Line) => line.text === "-" || line.text.startsWith("- ");
const closes = (line: Line) => /^[}\]]/.test(line.text);
const keyOf = (line: Line) => /^(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"'{[#][^:]*?))\s*:(?:\s|$)/.exec(line.text);
const nameOf = (line: Line) => {
  const found = keyOf(line);
  return found ? (found[1] ?? found[2] ?? found[3] ?? "") : null;
};

/** The part of `lines` that stands for one child: its own line and everything deeper. */
function child(lines: Line[], segment: string): Line[] | null {
  const shallow = lines.filter((line) => !closes(line));
  const indent = Math.min(...shallow.map((line) => line.indent));
  const starts = shallow.filter((line) => line.indent === indent);
  const items = starts.some((line) => isItem(line) || /^[{[]/.test(line.text));
  const named = starts.findIndex((line) => nameOf(line) === segment);
  const wanted =
    items && /^\d+$/.test(segment)
      ? (starts.filter((line) => nameOf(line) === null || isItem(line))[Number(segment)] ?? null)
      : (starts[named] ?? null);
  if (!wanted) return null;
  const from = lines.indexOf(wanted);
  // Items of a list may stand as deep as the key they belong to.
  const next = lines.findIndex(
    (line, index) =>
      index > from &&
      (line.indent < indent || (line.indent === indent && !(isItem(line) && !isItem(wanted)) && !closes(line))),
  );
  return lines.slice(from, next < 0 ? undefined : next);
}

/** What is inside a child: after the dash of an item, or below the key. */
function inside(part: Line[]): Line[] {
  const [head, ...rest] = part;
  if (!head) return [];
  if (isItem(head)) {
    const text = head.text.slice(1).trimStart();
    const own = { ...head, text, indent: head.indent + head.text.length - text.length };
    return text === "" ? rest : [own, ...rest];
  }
  return rest;
}

/** The line, from 1, of the deepest part of the path that can be found; `null` when not even the first one can. */
export function lineOf(text: string, path: string): number | null {
  let lines = linesOf(text);
  // A JSON document is one pair of braces around everything.
  if (lines[0] && /^[{[]$/.test(lines[0].text)) lines = lines.slice(1);
  let found: number | null = null;
  for (const segment of path.split("/").filter((one) => one !== "" && one !== "#")) {
    const part: Line[] | null = lines.length > 0 ? child(lines, segment) : null;
    const [head] = part ?? [];
    if (!part || !head) return found;
    found = head.number;
    lines = inside(part);
  }
  return found;
}

/** The line where a stream gives its name. */
export function streamLine(text: string, name: string): number | null {
  const quoted = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const wanted = new RegExp(`^\\s*(?:-\\s+)?["']?name["']?\\s*:\\s*["']?${quoted}["']?\\s*,?\\s*(?:#.*)?$`);
  const index = text.split("\n").findIndex((line) => wanted.test(line));
  return index < 0 ? null : index + 1;
}
