/** How far back a stream is read again: said for each, changed for one, and given back to the connector. */
import { clientFixtures } from "@harness/fixtures/clients";
import { integrationsFixtures } from "@harness/fixtures/integrations";
import { storyOf } from "@harness/world";
import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import type { Connector } from "@/gen/contract";
import { inConsole } from "../../../tests/inConsole";
import { ConnectionDrawer } from "./parts/ConnectionDrawer";

it("says each stream's days, sends a change as a whole and lets one go back to what is suggested", async () => {
  const world = storyOf("open");
  const handlers = { ...clientFixtures(world), ...integrationsFixtures(world) };
  const systems = (await handlers.connectors_list?.({}, () => undefined)) as Connector[];
  const id = "conn-client-5-0";
  const { host } = await inConsole(
    <ConnectionDrawer id={id} connectors={systems} onClose={() => undefined} />,
    handlers,
  );
  const user = userEvent.setup();
  const plans = await screen.findByTestId("lookback-ad_plan_stats");
  expect(plans).toHaveTextContent("Reads 7 days again, once a week 30 days");
  expect(screen.queryByTestId("lookback-ad_plans")).toBeNull();
  expect(screen.queryByTestId("lookback-banner_stats")).toBeNull();
  await user.click(screen.getByRole("switch", { name: "Banner statistics" }));
  const banners = screen.getByTestId("lookback-banner_stats");
  expect(banners).toHaveTextContent("Reads 3 days again, once a week 14 days · set here");

  await user.click(within(plans).getByRole("button"));
  const daily = within(plans).getByLabelText("Days every time");
  expect(within(plans).getByRole("button", { name: "As suggested" })).toBeDisabled();
  await user.clear(daily);
  expect(plans).toHaveTextContent("Reads 7 days again");
  await user.type(daily, "5");
  expect(plans).toHaveTextContent("Reads 5 days again, once a week 30 days · set here");
  await user.click(within(banners).getByRole("button"));
  await user.click(within(banners).getByRole("button", { name: "As suggested" }));
  expect(banners).toHaveTextContent("Reads 7 days again, once a week 30 days");
  await user.click(screen.getByRole("button", { name: "Save" }));
  const sent = host.calls.filter((call) => call.command === "connection_update").map((call) => call.request);
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({ id, lookbacks: { ad_plan_stats: { days: 5, weekly_days: 30 } } });
});
