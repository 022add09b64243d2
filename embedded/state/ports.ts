/** Ports of this clone's own on 127.0.0.1, kept from start to start so that links and configurations stay true. They lie below
 *  the range that the kernel hands out to clients, where a port could be taken between two starts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { failure } from '../../contracts/failures'
import { isFree } from '../../pgserver/free-port'

const FIRST = 17_000
const SPAN = 13_000

export type PortName = 'temporal' | 'temporalUi' | 'ledger' | 'lab'
export type Ports = Readonly<Record<PortName, number>>
const NAMES: readonly PortName[] = ['temporal', 'temporalUi', 'ledger', 'lab']

/** The ports to use now: those of last time when they are free, others in their place. */
export async function choosePorts(file: string, key: string, host = '127.0.0.1'): Promise<Ports> {
  const before = readPorts(file)
  const chosen: Partial<Record<PortName, number>> = {}
  const start = Number.parseInt(key.slice(0, 8), 16) % SPAN
  let step = 0
  for (const name of NAMES) {
    const known = before[name]
    if (known !== undefined && (await isFree(host, known))) {
      chosen[name] = known
      continue
    }
    for (;;) {
      if (step >= SPAN) throw failure('EMBEDDED_START_FAILED', `No port of ${FIRST} to ${FIRST + SPAN} is free on ${host}.`)
      const port = FIRST + ((start + step) % SPAN)
      step += 1
      if (!Object.values(chosen).includes(port) && !Object.values(before).includes(port) && (await isFree(host, port))) {
        chosen[name] = port
        break
      }
    }
  }
  const ports = chosen as Ports
  writeFileSync(file, `${JSON.stringify(ports)}\n`, { mode: 0o600 })
  return ports
}

function readPorts(file: string): Partial<Record<PortName, number>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Record<PortName, number>>
  } catch {
    return {}
  }
}
