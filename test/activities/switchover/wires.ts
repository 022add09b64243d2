/** The control plane's own ways to both servers, which can go while the servers live on and go on with each other: before a statement, or at one. */
import { type CuttingProxy, type Delivery, startCuttingProxy } from '../../postgres/support/cutting-proxy'
import type { Movers, Through } from './moving'

export type Side = keyof Through

export interface Wires {
  readonly ports: Through
  /** Statements that were sent since it was whole. */
  readonly statements: number
  /** What was sent on each since it was whole, the goodbye left out: each is waited for. */
  readonly ways: Readonly<Record<Side, number>>
  /** As though a process ended that may still send so many: both ways go before the next one. */
  dieAfter(statements: number): void
  /** Once the text is sent on any way behind the fence, that side's is gone: it comes back for nothing, until all is whole. */
  loseAt(text: RegExp, side: Side, how: Exclude<Delivery, 'deliver'>): void
  /** As a firewall that forgets: what is connected to that side hears nothing any more, and whoever connects from now on is served. */
  forget(side: Side): void
  /** Whether anything was cut or kept back since. */
  readonly lost: boolean
  whole(): void
  close(): Promise<void>
}

const SIDES = ['source', 'standby'] as const
/** Of the protocol: a statement as text, and one that is prepared. */
const STATEMENTS = new Set(['Q', 'P'].map((one) => one.charCodeAt(0)))

const GOODBYE = 'X'.charCodeAt(0)

const CLOSING = 'ALLOW_CONNECTIONS false'

export async function startWires({ servers }: Pick<Movers, 'servers'>): Promise<Wires> {
  const [source, standby] = await Promise.all(
    SIDES.map((side) => startCuttingProxy({ host: servers[side].host, port: servers[side].port })),
  )
  if (source === undefined || standby === undefined) throw new Error('there are two')
  const ways: Readonly<Record<Side, CuttingProxy>> = { source, standby }
  let [statements, lost] = [0, false]
  const sent = { source: 0, standby: 0 }
  let may: (data: Buffer, side: Side) => Delivery = () => 'deliver'
  for (const side of SIDES)
    ways[side].judgedBy((data) => {
      const delivery = may(data, side)
      if (data[0] !== GOODBYE) sent[side] += 1
      if (delivery !== 'deliver') lost = true
      else if (STATEMENTS.has(data[0] ?? 0)) statements += 1
      return delivery
    })
  return {
    ports: { source: source.port, standby: standby.port },
    get statements() {
      return statements
    },
    get lost() {
      return lost
    },
    get ways() {
      return { ...sent }
    },
    dieAfter(left) {
      statements = 0
      may = (data) => {
        if (!lost && !(STATEMENTS.has(data[0] ?? 0) && statements >= left)) return 'deliver'
        for (const side of SIDES) ways[side].cutOff()
        return 'cut'
      }
    },
    loseAt(text, gone, how) {
      let [fenced, begun] = [false, false]
      may = (data, side) => {
        const sent = data.toString('latin1')
        begun ||= fenced && text.test(sent)
        fenced ||= sent.includes(CLOSING)
        if (!begun) return 'deliver'
        lost = true
        if (how === 'cut') ways[gone].cutOff()
        return side === gone ? how : 'deliver'
      }
    },
    forget: (side) => ways[side].loseAll(),
    whole() {
      may = () => 'deliver'
      statements = 0
      sent.source = 0
      sent.standby = 0
      lost = false
      for (const side of SIDES) {
        ways[side].cutAll()
        ways[side].takeAgain()
      }
    },
    close: async () => void (await Promise.all(SIDES.map((side) => ways[side].close()))),
  }
}
