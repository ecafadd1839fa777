/**
 * `node replayMain.js FOLDER`: repeats the launches of a replay folder, each once and in order, in a process of its own.
 *
 * A profiler or a checker is run over this process: it holds one device and nothing but these launches. Exit code 1 and
 * a `failure.json` tell what went wrong.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "../core/error";
import type { Connection } from "./connection";
import type { LoadedModule } from "./modules";
import { openBackend } from "./open";
import { failureFile, type Replay, type ReplayFailure, type ReplayLaunch, replayFile } from "./replay";

async function main(folder: string): Promise<void> {
  const replay = JSON.parse(readFileSync(join(folder, replayFile), "utf8")) as Replay;
  const { connection } = await openBackend(replay.kind, { isolated: false });
  const modules: LoadedModule[] = [];
  for (const { file, entries } of replay.modules) {
    modules.push(await connection.addModule({ path: join(folder, file), entries }));
  }
  const buffers = await fillBuffers(connection, replay, modules, folder);
  const maps = replay.maps.map((map) => {
    const handle = connection.handle();
    connection.commands.tensorMap({ ...map, map: handle, buffer: buffers[map.buffer]! });
    return handle;
  });
  await connection.synchronize();
  for (const launch of replay.launches) {
    enqueue(connection, launch, modules, buffers, maps);
    // One at a time, so that a failure is told of the launch that failed.
    await connection.synchronize();
  }
  await connection.close();
}

async function fillBuffers(
  connection: Connection,
  replay: Replay,
  modules: readonly LoadedModule[],
  folder: string,
): Promise<number[]> {
  const handles: number[] = [];
  for (const { file, bytes, variable } of replay.buffers) {
    const handle = connection.handle();
    if (variable) await connection.bindSymbol(modules[variable.module]!.id, variable.name, handle);
    else connection.commands.alloc(handle, bytes);
    if (file !== null) await connection.upload(handle, 0, readFileSync(join(folder, file)), 0, true);
    handles.push(handle);
  }
  return handles;
}

function enqueue(
  connection: Connection,
  launch: ReplayLaunch,
  modules: readonly LoadedModule[],
  buffers: readonly number[],
  maps: readonly number[],
): void {
  const module = modules[launch.module]!;
  const { name } = module.image.entries[launch.entry]!;
  const patches = launch.patches.map(({ offset, kind, index, delta }) => ({
    offset,
    kind,
    handle: (kind === "buffer" ? buffers : maps)[index]!,
    delta,
  }));
  const { grid, block, cluster, dynamicShared, flags } = launch;
  const kernel = connection.kernelHandle(module, launch.entry);
  const args = Uint8Array.from(Buffer.from(launch.args, "base64"));
  const command = { kernel, stream: 0, grid, block, cluster, dynamicShared, flags, args, patches };
  connection.launch(command, name, module, launch.entry);
}

const [folder = ""] = process.argv.slice(2);
main(folder).catch((error: unknown) => {
  const failure: ReplayFailure = LabError.is(error)
    ? { code: error.code, what: error.what, advice: error.advice }
    : { code: "replay-failed", what: String(error instanceof Error ? error.stack : error), advice: "" };
  writeFileSync(join(folder, failureFile), JSON.stringify(failure));
  process.stderr.write(`${failure.what}\n`);
  process.exit(1);
});
