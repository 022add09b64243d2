/** One lab per state folder. The lock names its holder by pid and start time, so that a number that was given to somebody else
 *  after a crash does not keep the folder locked. Taken by hard link, which either makes the name or fails. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface StateLock {
  release(): void
}

/** @throws Error naming the holder when a living lab has this folder. */
export function lockState(folder: string): StateLock {
  const path = join(folder, 'lab.lock')
  const mine = join(folder, `lab.lock.${process.pid}`)
  writeFileSync(mine, holderText(process.pid), { mode: 0o600 })
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        linkSync(mine, path)
        return { release: () => rmSync(path, { force: true }) }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const holder = readHolder(path)
      if (holder && holder === holderText(pidOf(holder))) {
        throw new Error(
          `Another lab (pid ${pidOf(holder)}) is using ${folder}. Stop it first, or give this lab another --state folder.`,
        )
      }
      // the holder is dead: step aside what is there; if another starter was faster, its fresh lock is put back
      const stale = `${path}.stale.${process.pid}`
      renameSync(path, stale)
      if (readHolder(stale) !== holder) renameSync(stale, path)
      rmSync(stale, { force: true })
    }
    throw new Error(`The lock ${path} keeps changing hands: are several labs being started on ${folder}?`)
  } finally {
    rmSync(mine, { force: true })
  }
}

function readHolder(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function pidOf(holder: string): number {
  return Number(holder.split(' ')[0])
}

/** '<pid> <start time>', as it is now; '<pid> gone' for a process that does not live. */
function holderText(pid: number): string {
  if (process.platform !== 'linux') {
    try {
      process.kill(pid, 0)
      return `${pid} alive`
    } catch {
      return `${pid} gone`
    }
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // field 22 of proc(5), counted from the state, which is field 3
    return fields[0] === 'Z' ? `${pid} gone` : `${pid} ${fields[19]}`
  } catch {
    return `${pid} gone`
  }
}
