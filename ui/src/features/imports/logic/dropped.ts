/** Files dropped on the window: which of them are tables, and what is known of each. Pure. */
import type { ImportCheck, ImportChecked, ImportPreview, KnownSource } from "@/gen/contract";
import type { CallError } from "@/host/host";

const tables = /\.(csv|tsv|txt|xlsx)$/i;

/** Those that may be reports; a manifest or a picture is somebody else's. */
export function tablesOf(files: Iterable<File>): File[] {
  return [...files].filter((file) => tables.test(file.name));
}

/** A file of several that were dropped together. */
export interface Dropped {
  file: File;
  /** `asks`: a person must say what it is. */
  state: "waits" | "reading" | "fits" | "asks" | "failed" | "written";
  /** The one source it is from. */
  known?: KnownSource;
  /** What importing it would do. */
  checked?: ImportChecked;
  error?: CallError;
}

/** The one source whose earlier files had these columns; `null` when there is none, or more than one. */
export function onlySource(preview: ImportPreview): KnownSource | null {
  const [only, another] = preview.known;
  return only && !another ? only : null;
}

/** The request that reads a file as was agreed about its source. */
export function agreedCheck(uploadId: string, known: KnownSource): ImportCheck {
  return {
    upload_id: uploadId,
    client_id: known.client_id,
    connector: known.connector,
    source_name: known.source_name,
    fields: known.fields,
    currency: known.currency,
    vat: known.vat,
  };
}
