/** Where a lab listens: a block of 127/8 of its own. `.1` is the lab (its API, and the only address its administrator connects
 *  from), instances get `.10` and up, one address each, all on one data port. */
import { isIPv4 } from 'node:net'
import { isFree } from '../pgserver/free-port'

export const API_HOST = 1
const FIRST_INSTANCE_HOST = 10
const LAST_INSTANCE_HOST = 250
const PREFERRED_PORT = 5432
const PORTS_TRIED = 200

export function hostAddress(block: string, host: number): string {
  return `${block}.${host}`
}

/** @throws RangeError unless `block` is three numbers inside 127/8, as in 127.77.3. */
export function parseBlock(block: string): string {
  if (!isIPv4(`${block}.1`) || !block.startsWith('127.')) {
    throw new RangeError(
      `"${block}" is no block of loopback addresses: three numbers that begin with 127 are wanted, as in 127.77.3.`,
    )
  }
  return block
}

/** 'a.b.c.d/n', with n from 0 to 32. */
export function isCidr(text: string): boolean {
  const [address, bits, ...rest] = text.split('/')
  return rest.length === 0 && isIPv4(address ?? '') && /^(\d|[12]\d|3[0-2])$/.test(bits ?? '')
}

/** The next instance address after `after`, going round the block: an address that was just freed is reused last, so that a
 *  client that still knows it does not meet another database. Undefined when all are taken. */
export function nextInstanceHost(taken: ReadonlySet<number>, after: number): number | undefined {
  const count = LAST_INSTANCE_HOST - FIRST_INSTANCE_HOST + 1
  for (let step = 1; step <= count; step++) {
    const host = FIRST_INSTANCE_HOST + ((Math.max(after, FIRST_INSTANCE_HOST - 1) - FIRST_INSTANCE_HOST + step) % count)
    if (!taken.has(host)) return host
  }
  return undefined
}

/** 5432 if it can be had on the block's addresses, else the next free port. A listener on 0.0.0.0:5432 takes them all. */
export async function chooseDataPort(block: string, wanted: number | undefined): Promise<number> {
  const addresses = [API_HOST, FIRST_INSTANCE_HOST, FIRST_INSTANCE_HOST + 1].map((host) => hostAddress(block, host))
  const first = wanted ?? PREFERRED_PORT
  const last = wanted ?? PREFERRED_PORT + PORTS_TRIED
  for (let port = first; port <= last; port++) {
    const free = await Promise.all(addresses.map((address) => isFree(address, port)))
    if (free.every(Boolean)) return port
  }
  throw new Error(`No free port for the databases of this lab on ${block}.*: tried ${first} to ${last}.`)
}
