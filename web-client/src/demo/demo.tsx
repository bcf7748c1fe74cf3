import { FleetService } from "#gen/fleet/v1/fleet_service_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import type { Place } from "../place.ts";
import { createMemoryStorage } from "../ui/storage.ts";
import { DemoBadge } from "./demo-badge.tsx";
import { createDemoFleetService } from "./fleet-service.ts";
import { createInPageTransport } from "./in-page-transport.ts";
import { createDemoJobService } from "./job-service.ts";
import { createLine } from "./line.ts";
import { createChance } from "./random.ts";
import { stories } from "./stories.ts";
import { World } from "./world.ts";

const defaultSeed = 1;
const defaultSpeed = 1;

/** A demo that is about to be seen. */
export interface Demo {
  readonly place: Place;
  /** Where to look at it. */
  readonly path: string;
}

/**
 * Plays a story in this page, with `&seed=` for another course of chance and `&speed=` times as fast. The client is the
 * one that talks to a gateway; only its transport ends here.
 */
export async function openDemo(name: string, query: URLSearchParams): Promise<Demo> {
  const chance = createChance(numberFrom(query.get("seed"), defaultSeed));
  const world = new World({ chance, speed: numberFrom(query.get("speed"), defaultSpeed) });
  const line = createLine();
  const transport = createInPageTransport(
    [
      [JobService, createDemoJobService(world)],
      [FleetService, createDemoFleetService(world)],
    ],
    line,
  );
  const story = stories.find((known) => known.name === name) ?? stories[0];
  const path = story ? await story.tell({ world, line }) : "/";
  const storage = createMemoryStorage();
  const place: Place = {
    isDemo: true,
    connect: () => transport,
    storage: () => storage,
    tabStorage: () => storage,
    isOutdated: async () => story?.name === "skew",
    badge: <DemoBadge story={story?.name ?? ""} world={world} line={line} />,
  };
  return { place, path };
}

function numberFrom(text: string | null, otherwise: number): number {
  const number = Number(text);
  return text !== null && number > 0 ? number : otherwise;
}
