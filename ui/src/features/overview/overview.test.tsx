/** The sentence at the top of the overview: it calms nobody while something waits below it. */
import { fixtures } from "@harness/fixtures";
import { storyOf } from "@harness/world";
import { screen, within } from "@testing-library/react";
import { expect, it } from "vitest";
import { inConsole } from "../../../tests/inConsole";
import { OverviewScreen } from "./screens/OverviewScreen";

it("says that everything is all right only when nothing needs anybody", async () => {
  const calm = fixtures(storyOf("calm"));
  const quiet = await inConsole(<OverviewScreen />, calm);
  expect(await screen.findByText("Everything is all right.")).toBeInTheDocument();
  expect(screen.queryByRole("region", { name: "Needs you today" })).toBeNull();
  quiet.unmount();

  // An alert about the numbers, while every connection is healthy.
  const alarmed = fixtures(storyOf("open")).overview_get;
  await inConsole(<OverviewScreen />, {
    ...calm,
    overview_get: async (...asked) => {
      const [well, alerts] = [await calm.overview_get?.(...asked), (await alarmed?.(...asked))?.alerts ?? []];
      expect(alerts.length).toBeGreaterThan(0);
      return { ...well, alerts } as never;
    },
  });
  const needs = await screen.findByRole("region", { name: "Needs you today" });
  expect(within(needs).getAllByRole("button").length).toBeGreaterThan(0);
  expect(screen.queryByText("Everything is all right.")).toBeNull();
});
