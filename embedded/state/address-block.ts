/** Each clone has a block 127.a.b of the loopback network to itself: `.1` the lab's API, `.2` the control plane's own address,
 *  `.3` applications, from `.10` database instances. A register in the cache keeps two clones from getting the same one. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { failure } from '../../contracts/failures'
import { lockWithin } from '../../pgserver/lock-file'

/** 127.64.0 to 127.126.255, clear of 127.0.0 where everybody is and of what the tests take for themselves (127.77). */
const FIRST = 64
const SPAN = 63
const RESERVED = new Set([77])
export const BLOCK_COUNT = SPAN * 256

/** The block a key asks for first; `step` moves on to the next one. */
export function blockAt(key: string, step: number): string {
  const index = (Number.parseInt(key.slice(0, 8), 16) + step) % BLOCK_COUNT
  return `127.${FIRST + Math.floor(index / 256)}.${index % 256}`
}

/** The first block from the key's own on that nobody in `taken` has. */
export function chooseBlock(key: string, taken: ReadonlySet<string>): string {
  for (let step = 0; step < BLOCK_COUNT; step += 1) {
    const block = blockAt(key, step)
    if (!taken.has(block) && !RESERVED.has(Number(block.split('.')[1]))) return block
  }
  throw failure(
    'EMBEDDED_START_FAILED',
    'Every block of loopback addresses is taken by another clone; remove one with capstan reset.',
  )
}

/** The block of `stateDir`: the one it had, or a new one. Entries whose state folder is gone are forgotten. */
export async function claimBlock(claim: { registerFile: string; stateDir: string; key: string }): Promise<string> {
  mkdirSync(dirname(claim.registerFile), { recursive: true })
  const lock = await lockWithin(`${claim.registerFile}.lock`, 'claim', ['claim'], 10_000)
  if (!lock.taken) {
    throw failure('EMBEDDED_START_FAILED', `${claim.registerFile} is held by process ${lock.owner.pid}; try again.`)
  }
  try {
    const known = readRegister(claim.registerFile).filter(([, stateDir]) => existsSync(stateDir))
    const own = known.find(([, stateDir]) => stateDir === claim.stateDir)
    const block = own?.[0] ?? chooseBlock(claim.key, new Set(known.map(([name]) => name)))
    const next = Object.fromEntries([...known, [block, claim.stateDir]])
    writeFileSync(`${claim.registerFile}.next`, `${JSON.stringify(next, null, 1)}\n`)
    renameSync(`${claim.registerFile}.next`, claim.registerFile)
    return block
  } finally {
    lock.release()
  }
}

function readRegister(file: string): [string, string][] {
  try {
    return Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>)
  } catch {
    return []
  }
}
