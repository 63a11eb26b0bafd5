/** Forms of connectors: order, secrets, and what cannot be sent. */
import { describe, expect, it } from "vitest";
import { faultOf, fieldsOf, initialAnswers } from "./schema";

const form = {
  type: "object",
  required: ["client_id", "client_secret", "days"],
  properties: {
    days: { type: "integer", title: "Days", minimum: 1, maximum: 90, default: 7, order: 3 },
    client_secret: { type: "string", airbyte_secret: true, default: "leaked", order: 2 },
    client_id: { type: "string", pattern: "^\\w+$", minLength: 3, order: 1 },
    mode: { type: "string", enum: ["a", "b"] },
    kind: { type: "string", const: "fixed" },
    on: { type: "boolean", default: true },
    shadow: { type: "string", airbyte_hidden: true },
  },
};
const fields = fieldsOf(form);
const field = (name: string) => {
  const found = fields.find((entry) => entry.name === name);
  if (!found) throw new Error(name);
  return found;
};

it("reads fields in their order, without fixed and hidden ones", () => {
  expect(fields.map((entry) => `${entry.name}:${entry.kind}`)).toEqual([
    "client_id:text",
    "client_secret:secret",
    "days:number",
    "mode:choice",
    "on:switch",
  ]);
});

it("never fills a secret", () => {
  expect(initialAnswers(fields)).toEqual({ days: 7, on: true });
});

describe("an answer", () => {
  it.each([
    ["client_id", "", "required"],
    ["client_id", "ab", "min"],
    ["client_id", "a b c", "pattern"],
    ["client_id", "abc", null],
    ["client_secret", undefined, "required"],
    ["client_secret", "x", null],
    ["days", 0, "min"],
    ["days", 91, "max"],
    ["days", "many", "number"],
    ["days", 30, null],
    ["mode", undefined, null],
    ["on", undefined, null],
  ] as const)("%s = %s", (name, answer, fault) => {
    expect(faultOf(field(name), answer)).toBe(fault);
  });
});

it.each([null, undefined, "text", [], {}])("a form that is %j has no fields", (nothing) => {
  expect(fieldsOf(nothing)).toEqual([]);
});
