/** The state of the program for everything inside the frame, where a workspace is known to be open. */
import { createContext, useContext } from "react";
import type { AppStatus } from "@/gen/contract";

/** Filled by `app/App.tsx` once the backend has answered. */
export const StatusContext = createContext<AppStatus | null>(null);

/** The state of the program. */
export function useStatus(): AppStatus {
  const status = useContext(StatusContext);
  if (!status) throw new Error("useStatus belongs inside the frame");
  return status;
}
