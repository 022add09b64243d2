/** `node dist/workers/endpoint-by-hand.js`: moves one endpoint for `capstan break-glass`, which starts it and speaks with it over the channel between both. It is told what a
 *  worker of the endpoint's queue would be told, by its environment, and needs neither Temporal nor a ledger. It ends with whoever started it. */
import { leadByHand, leftBy } from '../activities/traffic/by-hand'
import type { LeadingAnswer, LeadingByHand, LeadingSaid, LedByHand } from '../contracts/break-glass'
import { endpointQueue } from '../contracts/endpoint'
import { createSecretResolver } from '../postgres/connect/secret-refs'
import { createZones } from './clouds'
import { readEndpointConfig } from './config'

/** A program that is under way is ended, and killed after two seconds. */
const GRACE_MS = 3_000

type Asking = () => Promise<boolean>

async function lead(leading: LeadingByHand, isCurrent: Asking, signal: AbortSignal): Promise<LedByHand> {
  try {
    const queue = endpointQueue(leading.database.endpoint)
    const { secrets, clouds, endpoints } = readEndpointConfig(process.env, queue)
    const access = {
      endpoints: { ...endpoints, dnsOf: createZones([queue], clouds) },
      resolveSecret: createSecretResolver(process.env, secrets, 'command'),
    }
    const log = (message: string, facts: object) => void process.stderr.write(`${JSON.stringify({ message, ...facts })}\n`)
    return await leadByHand(access, leading, { isCurrent, signal, log })
  } catch (error) {
    return leftBy(error)
  }
}

function main(): void {
  const over = new AbortController()
  const waiting = new Map<number, (current: boolean) => void>()
  let asked = 0
  // who started it may be gone
  const say = (said: LeadingSaid, then: () => void = () => undefined) => process.send?.(said, undefined, undefined, then)
  const isCurrent: Asking = () =>
    new Promise((resolve) => {
      asked += 1
      waiting.set(asked, resolve)
      say({ ask: asked })
    })
  // a person who presses Ctrl-C ends whoever started it, and with it this
  process.on('SIGINT', () => undefined)
  process.once('disconnect', () => {
    over.abort()
    setTimeout(() => process.exit(75), GRACE_MS)
  })
  process.on('message', (message) => {
    const told = message as LeadingByHand | LeadingAnswer
    if ('answer' in told) waiting.get(told.answer)?.(told.current)
    else void lead(told, isCurrent, over.signal).then((led) => say({ led }, () => process.exit(0)))
  })
}

main()
