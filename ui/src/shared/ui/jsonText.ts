/**
 * JSON indented for reading, by its characters alone. Parsing it would change what is shown: numbers beyond 2^53 would be
 * rounded, and an answer that was cut off would not parse at all.
 */

const STEP = "  ";

/** Whether a text begins as JSON does. */
export function looksLikeJson(text: string): boolean {
  return /^\s*[{[]/.test(text);
}

/** Indents JSON, whole or cut off. Anything else comes back as it is. */
export function indented(text: string): string {
  if (!looksLikeJson(text)) return text;
  let out = "";
  let depth = 0;
  let at = 0;
  const line = () => `\n${STEP.repeat(depth)}`;
  while (at < text.length) {
    const letter = text.charAt(at);
    if (letter === '"') {
      let end = at + 1;
      while (end < text.length && text.charAt(end) !== '"') end += text.charAt(end) === "\\" ? 2 : 1;
      out += text.slice(at, end + 1);
      at = end + 1;
      continue;
    }
    if (letter === "{" || letter === "[") {
      const rest = /^\s*([}\]])/.exec(text.slice(at + 1, at + 40));
      if (rest) {
        out += letter + rest[1];
        at += 1 + rest[0].length;
        continue;
      }
      depth += 1;
      out += letter + line();
    } else if (letter === "}" || letter === "]") {
      depth = Math.max(0, depth - 1);
      out += line() + letter;
    } else if (letter === ",") out += letter + line();
    else if (letter === ":") out += ": ";
    else if (!/\s/.test(letter)) out += letter;
    at += 1;
  }
  return out;
}
