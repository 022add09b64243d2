/** Fetches Temporal's CLI from its vendor, over TLS or from a mirror on this machine. A host that cannot be reached is given up within
 *  seconds, since there is another way. The archive is not held against a checksum: the address that is asked names a version and
 *  chooses the archive itself, and we know of no published digest for it. Whoever wants more sets CAPSTAN_TEMPORAL_CLI. */
import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { type Made, makeInPlace } from './place'

const run = promisify(execFile)
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }
/** A transfer that brings nothing for so long is given up. */
const STALL_MS = 15_000

export interface Download {
  readonly downloadHost: string
  readonly answerTimeoutMs: number
  readonly version: string
  readonly target: string
  readonly progress: (doing: string) => void
}

export async function downloadCli(download: Download): Promise<Made> {
  const platform = `platform=${process.platform}&arch=${ARCHITECTURES[process.arch] ?? process.arch}`
  const giveUp = new AbortController()
  let timer = setTimeout(() => giveUp.abort(), download.answerTimeoutMs)
  const stillComing = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => giveUp.abort(), STALL_MS)
  }
  try {
    const url = `${download.downloadHost}/cli/archive/${download.version}?${platform}`
    if (!isGuarded(url)) return { ok: false, reason: 'not asked: it is neither https nor on this machine' }
    const answer = await fetch(url, { signal: giveUp.signal })
    if (!isGuarded(answer.url)) return { ok: false, reason: 'it leads to an address without https' }
    if (!answer.ok || answer.body === null) return { ok: false, reason: `it answered ${answer.status}` }
    download.progress(`downloading Temporal ${download.version}`)
    stillComing()
    const body = Readable.fromWeb(answer.body).on('data', stillComing)
    await makeInPlace(download.target, async (folder) => {
      const archive = join(folder, 'temporal.tar.gz')
      await pipeline(body, createWriteStream(archive), { signal: giveUp.signal })
      await run('tar', ['-xzf', archive, '-C', folder, 'temporal'])
      return join(folder, 'temporal')
    })
    return { ok: true }
  } catch (error) {
    return { ok: false, reason: reasonOf(error, giveUp.signal.aborted) }
  } finally {
    clearTimeout(timer)
  }
}

/** Whether nobody on the way can put something else in its place. */
function isGuarded(address: string): boolean {
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' || /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(hostname)
}

function reasonOf(error: unknown, gaveUp: boolean): string {
  if (gaveUp) return 'no answer'
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = (cause as { code?: unknown }).code
  return typeof code === 'string' ? `cannot be reached: ${code}` : 'cannot be reached'
}
