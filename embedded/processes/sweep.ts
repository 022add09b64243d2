/** Ends what a supervisor that died left behind: recorded processes (workers first) and PostgreSQL servers whose data lie in
 *  the state folder. Only processes that are provably ours: by start time, or by being at home in our folder. */
import { type Dirent, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { adoptServer } from '../../pgserver/cluster'
import { stopProcess } from './program'
import { ProcessRecords } from './records'

/** Ended from the last to the first. */
const ORDER = ['temporal', 'lab', 'writer', 'command', 'worker']
/** `<state>/lab/<instances>/<id>/<data>` is the deepest place of a server. */
const DEPTH = 6

/** Resolves to the names of what was ended. */
export async function sweep(stateDir: string): Promise<readonly string[]> {
  const records = new ProcessRecords(join(stateDir, 'processes.json'))
  const left = [...records.alive()]
    .filter(({ pid }) => pid !== process.pid)
    .sort((a, b) => ORDER.indexOf(b.name) - ORDER.indexOf(a.name))
  for (const record of left) {
    await stopProcess(record, 'SIGTERM', 3_000)
    records.remove(record)
  }
  const servers = await Promise.all(dataFolders(stateDir, DEPTH).map(stopServer))
  return [...left.map(({ name }) => name), ...servers.flat()]
}

async function stopServer(dataDir: string): Promise<readonly string[]> {
  const server = await adoptServer({ dataDir, readyTimeoutMs: 5_000 })
  if (server === undefined) return []
  await server.stop('fast', 3_000)
  return ['PostgreSQL']
}

function dataFolders(folder: string, depth: number): string[] {
  let entries: Dirent[]
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
  if (entries.some(({ name }) => name === 'postmaster.pid')) return [folder]
  if (depth === 0 || entries.some(({ name }) => name === 'PG_VERSION')) return []
  return entries.filter((entry) => entry.isDirectory()).flatMap(({ name }) => dataFolders(join(folder, name), depth - 1))
}
