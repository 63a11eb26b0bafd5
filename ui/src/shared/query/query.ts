/**
 * Everything a screen knows of the backend goes through `useRead` and `useChange`. Staleness is not decided here: the
 * contract says which tags a read provides and a change or a background event touches, and refreshing follows from that.
 * The cache is never stale by age (the backend is on this machine and tells when something changes), and it does not care
 * whether the laptop is online.
 */
import {
  keepPreviousData,
  QueryClient,
  type UseMutationResult,
  type UseQueryResult,
  useInfiniteQuery,
  useMutation,
  useQueries,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useCallback, useState } from "react";
import { type Commands, commands, type Tag } from "@/gen/contract";
import { currentHost } from "@/host/current";
import { CallError, type CommandName } from "@/host/host";
import { acceptProgress } from "./progress";

type OfKind<K extends "read" | "change"> = {
  [C in CommandName]: Commands[C]["kind"] extends K ? C : never;
}[CommandName];
/** A command that only reads. */
export type ReadName = OfKind<"read">;
/** A command that changes something. */
export type ChangeName = OfKind<"change">;

/** The cache of this window. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: Number.POSITIVE_INFINITY,
        retry: false,
        refetchOnWindowFocus: false,
        networkMode: "always",
      },
      mutations: { retry: false, networkMode: "always" },
    },
  });
}

/** How a read behaves beyond its request. */
export interface ReadOptions {
  /** `false` postpones it, for example until an id is known. */
  enabled?: boolean;
  /** Shows the previous answer while the request changes (another period) instead of a skeleton. */
  keep?: boolean;
}

/** What a query says of itself when it reads. */
type Again = { client: QueryClient; queryKey: readonly unknown[] };

/**
 * Reads at once what was never read. What is on screen already is read again when that is painted: a screen that is come back to shows
 * what it had, and the newest of it does not hold up the press.
 */
async function read<C extends ReadName>(
  { client, queryKey }: Again,
  command: C,
  request: Commands[C]["request"],
): Promise<Commands[C]["response"]> {
  const host = currentHost();
  if (client.getQueryData(queryKey) !== undefined) await painted();
  return host.call(command, request);
}

/** Longest wait for a frame, in milliseconds: a window out of sight draws none. */
const NO_FRAME_MS = 100;

function painted(): Promise<void> {
  return new Promise((done) => {
    const late = setTimeout(done, NO_FRAME_MS);
    requestAnimationFrame(() => {
      clearTimeout(late);
      setTimeout(done);
    });
  });
}

/** Reads and stays fresh. The key is the command and its request, so equal requests share one answer. */
export function useRead<C extends ReadName>(
  command: C,
  request: Commands[C]["request"],
  options: ReadOptions = {},
): UseQueryResult<Commands[C]["response"], CallError> {
  return useQuery<Commands[C]["response"], CallError>({
    queryKey: [command, request],
    queryFn: (again) => read(again, command, request),
    enabled: options.enabled ?? true,
    ...(options.keep ? { placeholderData: keepPreviousData as never } : {}),
  });
}

/** A list that is read page by page: the pages read so far, and how to read the next one. */
export interface Pages<T> {
  /** The pages in order; absent until the first one has come. */
  pages: T[] | undefined;
  /** Why the first or the next page could not be read. */
  error: CallError | null;
  /** Reads the next page; absent when there is none. */
  more: (() => void) | undefined;
  /** Whether the next page is being read. */
  pending: boolean;
  /** Reads everything again. */
  again: () => void;
}

/** Reads a list page by page. `next` makes the request of the page after the last one from it
 * and the number of pages read, or `null` at the end. Stays fresh as `useRead`. */
export function useReadPages<C extends ReadName>(
  command: C,
  first: Commands[C]["request"],
  next: (last: Commands[C]["response"], read: number) => Commands[C]["request"] | null,
): Pages<Commands[C]["response"]> {
  const query = useInfiniteQuery<
    Commands[C]["response"],
    CallError,
    { pages: Commands[C]["response"][] },
    unknown[],
    Commands[C]["request"]
  >({
    queryKey: [command, "pages", first],
    queryFn: ({ pageParam }) => currentHost().call(command, pageParam as Commands[C]["request"]),
    initialPageParam: first,
    getNextPageParam: (last, all) => next(last, all.length) ?? undefined,
  });
  return {
    pages: query.data?.pages,
    error: query.error,
    more: query.hasNextPage ? () => void query.fetchNextPage() : undefined,
    pending: query.isFetchingNextPage,
    again: () => void query.refetch(),
  };
}

/** A long list of which the pages in sight are read. */
export interface PageWindow<T> {
  /** The first page, which also says how long the list is; the one of before while another list is being read. */
  head: T | undefined;
  /** The page of a row, once it has been read. */
  pageOf: (row: number) => T | undefined;
  /** Tells which rows are in sight. */
  onSight: (first: number, last: number) => void;
  /** Why something could not be read. */
  error: CallError | null;
  /** Reads again what is in sight. */
  again: () => void;
}

/** Reads a list that can be entered anywhere in pages of `size`; `request` must be stable between renders. */
export function useReadWindow<C extends ReadName>(
  command: C,
  request: (page: number) => Commands[C]["request"],
  size: number,
): PageWindow<Commands[C]["response"]> {
  const [sight, setSight] = useState({ first: 0, last: 0 });
  const head = useRead(command, request(0), { keep: true });
  const indexes = Array.from({ length: sight.last - sight.first + 1 }, (_, at) => sight.first + at);
  const queries = useQueries({
    queries: indexes.map((index) => ({
      queryKey: [command, request(index)],
      queryFn: (again: Again): Promise<Commands[C]["response"]> => read(again, command, request(index)),
    })),
  });
  const onSight = useCallback(
    (first: number, last: number) => {
      const next = { first: Math.floor(first / size), last: Math.floor(last / size) };
      setSight((old) => (old.first === next.first && old.last === next.last ? old : next));
    },
    [size],
  );
  const failed = queries.find((query) => query.isError);
  return {
    head: head.data,
    pageOf: (row) => {
      const page = queries[Math.floor(row / size) - sight.first]?.data as Commands[C]["response"] | undefined;
      return page ?? (row < size ? head.data : undefined);
    },
    onSight,
    error: head.error ?? (failed?.error instanceof CallError ? failed.error : null),
    again: () => {
      void head.refetch();
      for (const query of queries) void query.refetch();
    },
  };
}

/** Changes something and refreshes what the contract says has become stale. */
export function useChange<C extends ChangeName>(
  command: C,
): UseMutationResult<Commands[C]["response"], CallError, Commands[C]["request"]> {
  return useMutationOf(command, {});
}

/** The reads without a request whose answer a change hands back as it is by then. */
type AnsweredBy<C extends ChangeName> = {
  [R in ReadName]: Commands[R]["response"] extends Commands[C]["response"] ? R : never;
}[ReadName];

/**
 * Changes part of a setting that is written whole. What the change answers is what `read` answers from then on, and changes wait for one
 * another: whoever shows `variables` while it is pending and the read otherwise always adds to the change before, however quickly one
 * press follows the other.
 */
export function useSetting<C extends ChangeName>(
  command: C,
  read: AnsweredBy<C>,
): UseMutationResult<Commands[C]["response"], CallError, Commands[C]["request"]> {
  return useMutationOf(command, { read });
}

function useMutationOf<C extends ChangeName>(
  command: C,
  { read }: { read?: ReadName },
): UseMutationResult<Commands[C]["response"], CallError, Commands[C]["request"]> {
  const client = useQueryClient();
  return useMutation<Commands[C]["response"], CallError, Commands[C]["request"]>({
    mutationFn: (request) => currentHost().call(command, request),
    onSuccess: (answer) => {
      if (read) client.setQueryData([read, {}], answer);
      void refresh(client, commands[command].tags);
    },
    ...(read ? { scope: { id: command } } : {}),
  });
}

/** Marks every cached answer with one of the tags as stale; those on screen are read again at once. Resolves when they are. */
export function refresh(client: QueryClient, tags: readonly Tag[]): Promise<void> {
  if (tags.length === 0) return Promise.resolve();
  return client.invalidateQueries({
    predicate: (query) => {
      const name = query.queryKey[0];
      if (typeof name !== "string" || !(name in commands)) return false;
      const provided: readonly Tag[] = commands[name as CommandName].tags;
      return provided.some((tag) => tags.includes(tag));
    },
  });
}

/** Reads again what shows something the backend does not announce, such as how long a wait will last. */
export function useRefresh(): (tags: readonly Tag[]) => void {
  const client = useQueryClient();
  return useCallback((tags) => void refresh(client, tags), [client]);
}

/** Between two readings of what the backend changes all the time, after the first of them has come. */
const PAUSE_MS = 1_000;

/**
 * What the backend changes is read again at once; while it changes more, one reading follows the other with a pause. Fifty connections
 * that sync at once commit many times a second, and a screen that read everything after each would keep the backend from its work.
 */
function paced(client: QueryClient): (tags: readonly Tag[]) => void {
  const stale = new Set<Tag>();
  let reading = false;
  const readAll = async () => {
    reading = true;
    while (stale.size > 0) {
      const tags = [...stale];
      stale.clear();
      await refresh(client, tags);
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
    reading = false;
  };
  return (tags) => {
    for (const tag of tags) stale.add(tag);
    if (!reading) void readAll();
  };
}

/** Connects the backend's events to the cache; the answer disconnects. */
export function followEvents(client: QueryClient): () => void {
  const changed = paced(client);
  return currentHost().events((event) => {
    switch (event.type) {
      case "run_progress":
        acceptProgress(event);
        return;
      case "draft_step":
        client.invalidateQueries({ queryKey: ["draft_get", { id: event.draft_id }] });
        return;
      case "changed":
        changed(event.tags);
    }
  });
}
