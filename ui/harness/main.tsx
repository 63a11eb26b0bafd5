/**
 * The console over a made-up host, for looking at screens and for browser tests. Another entry than the product's, so none
 * of this is in `dist`. The address chooses the story: `harness.html?world=partial#/overview`.
 */
import { show } from "@/app/show";
import { setHost } from "@/host/current";
import { setPrefs } from "@/shared/prefs/prefs";
import { fakeHost } from "./fakeHost";
import { fixtures } from "./fixtures";
import { isStory, storyOf } from "./world";

const query = new URLSearchParams(location.search);
const word = query.get("world") ?? "open";
const language = query.get("lang");
const theme = query.get("theme");
setPrefs({
  language: language === "ru" || language === "en" ? language : "system",
  theme: theme === "light" || theme === "dark" ? theme : "system",
});
setHost(fakeHost(fixtures(storyOf(isStory(word) ? word : "open"))));
const root = document.getElementById("root");
if (root) show(root);
