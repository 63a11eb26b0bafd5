/** Anomalies beside the portfolio: they are told by client, answered in place, and an answer can be taken back. */
import { fixtures } from "@harness/fixtures";
import { storyOf } from "@harness/world";
import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { inConsole } from "../../../tests/inConsole";
import { OverviewScreen } from "./screens/OverviewScreen";

it("opens the anomalies of a client from its row, and takes answers", async () => {
  const { host } = await inConsole(<OverviewScreen />, fixtures(storyOf("open")));
  const user = userEvent.setup();
  const row = await screen.findByRole("row", { name: /Клиника Альфа/ });
  await user.click(within(row).getByRole("button", { name: /Spend ×2.4\+2/ }));
  const drawer = await screen.findByRole("complementary");
  const item = (await within(drawer).findByText(/^Spend of .* is 2\.4 times its usual Tuesday$/)).closest("li");
  if (!item) throw new Error("an anomaly stands in a list");
  expect(within(drawer).getAllByRole("listitem")).toHaveLength(3);
  expect(within(drawer).getByText("3 without an answer")).toBeInTheDocument();

  await user.click(within(item).getByRole("button", { name: /^Expected: Spend of/ }));
  expect(host.calls.filter((call) => call.command === "anomaly_feedback").map((call) => call.request)).toEqual([
    { connection_id: "conn-client-2-0", metric: "spend", date: "2026-11-17", feedback: "expected" },
  ]);
  expect(await within(drawer).findByText("2 without an answer")).toBeInTheDocument();
  await user.click(within(drawer).getByRole("button", { name: /^Take back: Spend of/ }));
  expect(await within(drawer).findByText("3 without an answer")).toBeInTheDocument();

  await user.click(within(drawer).getByRole("button", { name: "Whole period" }));
  const asked = host.calls.filter((call) => call.command === "anomalies_list").map((call) => call.request);
  expect(asked.at(-1)).toMatchObject({ client_id: "client-2", period: { to: expect.any(String) } });
});

it("says so when every day is as usual", async () => {
  await inConsole(<OverviewScreen />, fixtures(storyOf("calm")), "en", "/overview?anomalies=all");
  expect(await screen.findByText("No anomalies")).toBeInTheDocument();
});
