/** Route 53, by its vendor's client, made on first use. A change is one batch that takes the record away exactly as it was found and puts another in its place: Route 53
 *  does all of a batch or nothing. Public and private hosted zones have the same API. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { ResourceRecordSet, Route53, Route53ClientConfig } from '@aws-sdk/client-route-53'
import { Failure } from '../../contracts/failures'
import { type Changed, type DnsZonePort, nowhere, type Target } from '../dns-port'
import { type FoundSet, soleRecord } from '../dns-record'
import { limitedTo } from '../limit'
import type { CallOptions, ChangeOptions } from '../port'
import { errorName, rdsFailure } from './failures'

/** As of RDS: all attempts together fit into an activity's two minutes. */
const TIMEOUTS = { connectionTimeout: 5_000, requestTimeout: 20_000, throwOnRequestTimeout: true } as const
/** A signature is taken for minutes; a request that waits on its way for longer than this is given up. */
const CALL_MS = 60_000
const SERVICE = 'Route 53'

const changes = new AsyncLocalStorage<ChangeOptions>()

/** A middleware: what every attempt of every call passes, the SDK's own repeats too. */
function asking<Args, Output>(next: (args: Args) => Promise<Output>, { commandName = '' }: { readonly commandName?: string }) {
  return async (args: Args): Promise<Output> => {
    if (!/^(Get|List)/.test(commandName)) {
      const options = changes.getStore()
      if (options === undefined) throw new Error(`${commandName} changes something, and nobody was asked whether it may`)
      await options.mayChange()
    }
    return next(args)
  }
}

export function hostedZone(id: string, config: Route53ClientConfig): DnsZonePort {
  let made: Promise<Route53> | null = null
  const client = (): Promise<Route53> => {
    made ??= import('@aws-sdk/client-route-53').then(({ Route53: Client }) => {
      const one = new Client({ requestHandler: TIMEOUTS, ...config })
      one.middlewareStack.addRelativeTo(asking, { name: 'asking', relation: 'after', toMiddleware: 'retryMiddleware' })
      return one
    })
    return made
  }
  const call = async <T>(action: string, { signal }: CallOptions, act: (route53: Route53) => Promise<T>): Promise<T> => {
    try {
      return await act(await client())
    } catch (error) {
      throw error instanceof Failure ? error : rdsFailure(action, error, signal, SERVICE)
    }
  }
  const where = `the hosted zone ${id} of Route 53`
  const exchange = async (
    name: string,
    from: Target & { ttlSeconds: number },
    to: Target & { ttlSeconds: number },
    options: ChangeOptions,
  ): Promise<Changed> => {
    const Changes = [
      { Action: 'DELETE' as const, ResourceRecordSet: setOf(name, from) },
      { Action: 'CREATE' as const, ResourceRecordSet: setOf(name, to) },
    ]
    options.signal.throwIfAborted()
    return changes.run(options, () =>
      // let finish: one that is cut off may still take effect
      call('ChangeResourceRecordSets', options, async (route53): Promise<Changed> => {
        try {
          const abortSignal = AbortSignal.timeout(CALL_MS)
          const request = { HostedZoneId: id, ChangeBatch: { Changes } }
          const { ChangeInfo: info } = await route53.changeResourceRecordSets(request, { abortSignal })
          return { changed: true, pending: info?.Id ?? null }
        } catch (error) {
          if (error instanceof Error && errorName(error) === 'InvalidChangeBatch') return { changed: false, why: error.message }
          throw error
        }
      }),
    )
  }
  return {
    exchangesTypes: true,
    async lookUp(name, options) {
      const { ResourceRecordSets: sets = [] } = await call('ListResourceRecordSets', options, (route53) =>
        route53.listResourceRecordSets(
          { HostedZoneId: id, StartRecordName: `${name}.`, MaxItems: 100 },
          { abortSignal: limitedTo(CALL_MS, options.signal) },
        ),
      )
      // the list goes on behind the name
      return soleRecord(name, sets.filter((set) => plain(set.Name) === name).map(foundSet), where)
    },
    change: ({ name, from, to, ttlSeconds }, options) => exchange(name, from, { ...to, ttlSeconds }, options),
    async isPublished(pending, options) {
      const { ChangeInfo: info } = await call('GetChange', options, (route53) =>
        route53.getChange({ Id: pending.replace(/^\/change\//, '') }, { abortSignal: limitedTo(CALL_MS, options.signal) }),
      )
      return info?.Status === 'INSYNC'
    },
    async proveChangeable(name, record, options) {
      const none = { ...nowhere(record), ttlSeconds: record.ttlSeconds }
      const { changed } = await exchange(name, none, none, options)
      if (changed) throw new Error(`${where} took away a record that ${name} cannot have`)
    },
  }
}

function setOf(name: string, { type, value, ttlSeconds }: Target & { readonly ttlSeconds: number }): ResourceRecordSet {
  const Value = type === 'CNAME' ? `${value}.` : value
  return { Name: `${name}.`, Type: type, TTL: ttlSeconds, ResourceRecords: [{ Value }] }
}

const plain = (name = ''): string => name.toLowerCase().replace(/\.$/, '')

function foundSet(set: ResourceRecordSet): FoundSet {
  const { Type: type = '', TTL: ttlSeconds = null, ResourceRecords: records = [] } = set
  const values = records.map(({ Value = '' }) => Value)
  return { type, ttlSeconds, values, version: null, special: specialOf(set) }
}

function specialOf(set: ResourceRecordSet): string | null {
  if (set.AliasTarget !== undefined) return 'an alias'
  if (set.Weight !== undefined) return 'a weighted record'
  if (set.SetIdentifier !== undefined) return 'one of several records by a routing policy'
  if (set.HealthCheckId !== undefined) return 'a record with a health check'
  return set.TrafficPolicyInstanceId === undefined ? null : 'a record of a traffic policy'
}
