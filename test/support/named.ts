/** The bank of a switchover, or of a failover, behind a name in a DNS of the lab: whoever connects anew resolves it, as an application does. */
import { openZone, type Provider, resolverOf, type ZoneUnderTest } from '../conformance/names/zones'
import { inFleet, namesOf } from './led-by-name'
import { type Front, type Place, startBank } from './switching'

export interface NamedFront extends Front {
  /** As resolvers are told it now. */
  leadsTo(): Promise<string | undefined>
  /** The calls of the zone's API: who asks, and who changes it. */
  calls(): readonly string[]
}

export function namedFront(provider: Provider): NamedFront {
  let zone: ZoneUnderTest | undefined
  let resolve: () => Promise<string | undefined> = async () => undefined
  let port = 0
  const found = async (): Promise<Place> => {
    const host = await resolve()
    if (host === undefined) throw new Error('there is no such name')
    return { host, port }
  }
  return {
    env: {},
    async open(capstan, source) {
      const names = await namesOf(capstan.stack.lab)
      zone = await openZone(names, provider)
      const name = `stock.${zone.domain}`
      await zone.put(name, { type: 'A', values: [source.host], ttl: 1 })
      port = source.port
      resolve = async () => (await resolverOf(names).resolve4(name))[0]
      return `{ kind: dns, ${inFleet(zone)}, name: ${name}, ttl: 1s, port: ${port} }`
    },
    bank: (capstan, clients) => startBank(capstan, { clients, at: found }),
    leadsTo: () => resolve(),
    calls: () => (zone === undefined ? [] : [zone.question, zone.change]),
    close: async () => undefined,
  }
}
