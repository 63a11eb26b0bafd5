/** What the columns of a file mean, as the person corrects it. Pure, so that its rules are tested without a file. */
import type { ImportField, ImportPreview } from "@/gen/contract";
import { CallError } from "@/host/host";

/** All meanings, in the order of the list. */
export const importFields: ImportField[] = [
  "ignore",
  "date",
  "campaign_id",
  "campaign_name",
  "ad_group_id",
  "ad_group_name",
  "ad_id",
  "ad_name",
  "impressions",
  "clicks",
  "cost",
  "cost_micros",
  "conversions",
  "revenue",
  "currency",
  "breakdown",
];

/** Meanings that several columns may have. */
const many: readonly ImportField[] = ["ignore", "breakdown"];

/** Gives a column a meaning; the column that had it before is left out, because two columns cannot be the same thing. */
export function assign(fields: ImportField[], index: number, field: ImportField): ImportField[] {
  return fields.map((old, column) =>
    column === index ? field : old === field && !many.includes(field) ? "ignore" : old,
  );
}

/** The meanings that were guessed. */
export function guesses(preview: ImportPreview): ImportField[] {
  return preview.columns.map((column) => column.guess);
}

/** The first few different values of a column, for recognising it. */
export function samples(preview: ImportPreview, column: number, most = 3): string[] {
  const values = preview.sample.map((row) => (row[column] ?? "").trim()).filter((value) => value !== "");
  return [...new Set(values)].slice(0, most);
}

/** The platform's name as the file's name suggests it: `vk_ads-2026-10.csv` is `vk ads 2026 10`. */
export function suggestSource(fileName: string): string {
  return fileName
    .replace(/\.[a-z0-9]{2,5}$/i, "")
    .replace(/[_-]+/g, " ")
    .trim();
}

/** The most a file may have, as the surface says. */
export const MOST_BYTES = 64 * 1024 * 1024;

/** A file as the surface takes it. */
export function contentOf(file: File): Promise<{ name: string; content_base64: string }> {
  return new Promise((resolve, reject) => {
    if (file.size > MOST_BYTES) {
      reject(
        new CallError({
          code: "file_too_large",
          kind: "fix_settings",
          params: { bytes: String(file.size), limit: String(MOST_BYTES) },
          detail: null,
          retry_at: null,
        }),
      );
      return;
    }
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error);
    reader.onload = () => resolve({ name: file.name, content_base64: base64Of(String(reader.result)) });
    reader.readAsDataURL(file);
  });
}

/** The content of a data URL, which is how the browser hands out base64 without copying it byte by byte. */
export function base64Of(dataUrl: string): string {
  return dataUrl.slice(dataUrl.indexOf(",") + 1);
}
