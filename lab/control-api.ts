/** The lab's own API, beside the clouds' on the same port: what is there, network rules, faults, and starting over. It answers
 *  whoever bears the lab's token; only whether it is up may be asked by everybody. */
import type { FastifyInstance } from 'fastify'
import { serveIdentities } from './access/api'
import type { Identities } from './access/identities'
import type { CallLog } from './calls'
import type { SimulatedCloud } from './cloud'
import { bears, type LabCredentials } from './credentials'
import { serveFaults } from './faults/api'
import type { FaultBook } from './faults/book'
import type { Links } from './links/links'
import { isCidr } from './network'
import { isProfileName, type Pace, PROFILES } from './profile'
import { serveRouter } from './router/api'
import type { Router } from './router/router'
import { DEFAULT_GROUP, isGroupId } from './security-groups'
import type { LabState } from './state'

export interface ControlOptions {
  state: LabState
  clouds: readonly SimulatedCloud[]
  links: Links
  router: Router
  credentials: LabCredentials
  identities: Identities
  faults: FaultBook
  calls: CallLog
  pace: Pace
  /** Known once the API listens. */
  url(): string
  tlsUrl(): string
  namePort(): number
  certificateFile: string
  save(): Promise<void>
}

export function serveControl(root: FastifyInstance, options: ControlOptions): void {
  root.get('/_lab/health', async () => ({ ok: true }))
  // a scope of its own: its hook strikes by the route that was found, however the path was spelled
  void root.register(async (api) => {
    api.addHook('onRequest', async (request, reply) => {
      if (bears(request.headers.authorization, options.credentials.labToken)) return
      const error = "The lab's token is missing or wrong: send Authorization: Bearer with labToken of credentials.json."
      await reply.code(401).header('www-authenticate', 'Bearer').send({ error })
    })
    serveProtected(api, options)
  })
}

function serveProtected(api: FastifyInstance, options: ControlOptions): void {
  const { state, clouds, links, router, identities, faults, calls, save } = options

  api.get('/_lab/status', async () => statusOf(options))

  api.post('/_lab/reset', async () => {
    faults.withdraw()
    calls.clear()
    await identities.clear()
    await router.clear()
    for (const id of Object.keys(state.securityGroups)) delete state.securityGroups[id]
    // what faults did to servers ends first: a frozen one would keep the emptying waiting
    await Promise.all([links.settle(), ...clouds.map((cloud) => cloud.faultsChanged())])
    await Promise.all(clouds.map((cloud) => cloud.reset()))
    return statusOf(options)
  })

  serveFaults(api, faults, async (fault) => {
    await Promise.all([links.settle(), ...clouds.map((cloud) => cloud.faultsChanged(fault))])
  })
  serveIdentities(api, identities)
  serveCalls(api, calls)
  serveRouter(api, { router, block: state.block })
  serveProfile(api, options.pace)

  api.put<{ Params: { id: string } }>('/_lab/security-groups/:id', async (request, reply) => {
    const { id } = request.params
    const cidrs = parseCidrs(request.body)
    if (typeof cidrs === 'string') return reply.code(422).send({ error: cidrs })
    if (!isGroupId(id) || id === DEFAULT_GROUP) {
      return reply.code(422).send({
        error: `"${id}" is no name for a security group: sg- and lower-case letters or digits, and not ${DEFAULT_GROUP}.`,
      })
    }
    state.securityGroups[id] = { cidrs }
    await save()
    await Promise.all(clouds.map((cloud) => cloud.tellRules()))
    return { id, cidrs }
  })

  api.post<{ Params: { id: string } }>('/_lab/instances/:id/crash', async (request, reply) => {
    const { id } = request.params
    const holding = clouds.filter((cloud) => cloud.instances().some((instance) => instance.id === id))
    const [cloud, another] = holding
    if (cloud && another) {
      const names = holding.map(({ name }) => name).join(', ')
      return reply
        .code(409)
        .send({ error: `${id} is the name of an instance in each of: ${names}. Order a crash-instance fault for one.` })
    }
    if (await cloud?.crash(id)) return { crashed: id }
    return reply.code(404).send({ error: `There is no instance ${id}.` })
  })
}

function statusOf({ state, clouds, credentials, faults, pace, ...places }: ControlOptions): object {
  const placesOf = (cloud: string): object => ({
    url: places.url(),
    // its clients send a token over nothing else
    ...(cloud === 'azure' && { tlsUrl: places.tlsUrl() }),
  })
  return {
    version: 1,
    dataPort: state.dataPort,
    profile: pace.profile,
    seed: pace.seed,
    clouds: Object.fromEntries(clouds.map(({ name }) => [name, placesOf(name)])),
    certificateFile: places.certificateFile,
    nameService: { host: `${state.block}.1`, port: places.namePort() },
    instances: clouds.flatMap((cloud) => cloud.instances()),
    securityGroups: [
      { id: DEFAULT_GROUP, cidrs: [] },
      ...Object.entries(state.securityGroups).map(([id, { cidrs }]) => ({ id, cidrs })),
    ],
    faults: faults.list(),
    credentials: { aws: credentials.aws, azure: credentials.azure, gcp: credentials.gcp },
  }
}

function serveCalls(api: FastifyInstance, calls: CallLog): void {
  api.get<{ Querystring: Record<string, unknown> }>('/_lab/calls', async (request, reply) => {
    const { since, ...others } = request.query
    const [unknown] = Object.keys(others)
    if (unknown !== undefined) return reply.code(422).send({ error: `${unknown} is no question about calls; there is: since.` })
    const mark = parseMark(since)
    if (mark !== null) return { version: 1, ...calls.since(mark) }
    return reply.code(422).send({
      error: `since is "${since}"; wanted is the number of a call, or a time such as 2027-01-31T12:00:00Z.`,
      field: 'since',
    })
  })
}

function serveProfile(api: FastifyInstance, pace: Pace): void {
  const chosen = (): object => ({ version: 1, profile: pace.profile, seed: pace.seed, profiles: PROFILES })
  api.get('/_lab/profile', async () => chosen())
  api.put('/_lab/profile', async (request, reply) => {
    const { profile } = (request.body ?? {}) as { profile?: unknown }
    if (typeof profile !== 'string' || !isProfileName(profile)) {
      const error = `profile is ${JSON.stringify(profile) ?? 'missing'}; wanted is one of: ${Object.keys(PROFILES).join(', ')}.`
      return reply.code(422).send({ error, field: 'profile' })
    }
    pace.choose(profile)
    return chosen()
  })
}

/** @returns null for what is neither a number nor a time. */
function parseMark(since: unknown): number | string | undefined | null {
  if (since === undefined) return undefined
  if (typeof since !== 'string') return null
  if (/^\d{1,15}$/.test(since)) return Number(since)
  const at = /^\d{4}-\d\d-\d\dT/.test(since) ? Date.parse(since) : Number.NaN
  return Number.isNaN(at) ? null : new Date(at).toISOString()
}

function parseCidrs(body: unknown): string[] | string {
  const { cidrs } = (body ?? {}) as { cidrs?: unknown }
  if (Array.isArray(cidrs) && cidrs.every((cidr) => typeof cidr === 'string' && isCidr(cidr))) return cidrs as string[]
  return 'cidrs must be a list of IPv4 networks, for instance ["127.77.3.2/32"].'
}
