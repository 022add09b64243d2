/** The lab's own API, beside the clouds' on the same port: what is there, network rules, faults, and starting over. It answers
 *  whoever bears the lab's token; only whether it is up may be asked by everybody. */
import type { FastifyInstance } from 'fastify'
import type { Aws } from './aws/start'
import { bears, type LabCredentials } from './credentials'
import { FAULT_KINDS, type Fault } from './faults'
import { hostAddress, isCidr } from './network'
import { DEFAULT_GROUP, isGroupId } from './security-groups'
import type { LabState } from './state'

export interface ControlOptions {
  state: LabState
  aws: Aws
  credentials: LabCredentials
  /** Known once the API listens. */
  url(): string
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
  const { state, aws, save } = options

  api.get('/_lab/status', async () => statusOf(options))

  api.post('/_lab/reset', async () => {
    state.faults.length = 0
    for (const id of Object.keys(state.securityGroups)) delete state.securityGroups[id]
    await aws.reset()
    return statusOf(options)
  })

  api.get('/_lab/faults', async () => ({ faults: state.faults }))
  api.post('/_lab/faults', async (request, reply) => {
    const fault = parseFault(request.body)
    if (typeof fault === 'string') return reply.code(422).send({ error: fault })
    state.faults.push(fault)
    await save()
    return { faults: state.faults }
  })
  api.delete('/_lab/faults', async () => {
    state.faults.length = 0
    await save()
    return { faults: state.faults }
  })

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
    await aws.applySecurityGroups()
    return { id, cidrs }
  })

  api.post<{ Params: { id: string } }>('/_lab/instances/:id/crash', async (request, reply) => {
    if (await aws.crash(request.params.id)) return { crashed: request.params.id }
    return reply.code(404).send({ error: `There is no instance ${request.params.id}.` })
  })
}

function statusOf({ state, credentials, url }: ControlOptions): object {
  return {
    version: 1,
    dataPort: state.dataPort,
    clouds: { aws: { url: url() } },
    instances: Object.values(state.aws.instances).map((instance) => ({
      cloud: 'aws',
      region: instance.region,
      id: instance.id,
      address: hostAddress(state.block, instance.host),
      port: state.dataPort,
      state: instance.status,
      engineVersion: instance.engineVersion,
    })),
    securityGroups: [
      { id: DEFAULT_GROUP, cidrs: [] },
      ...Object.entries(state.securityGroups).map(([id, { cidrs }]) => ({ id, cidrs })),
    ],
    faults: state.faults,
    credentials: { aws: credentials.aws },
  }
}

/** @returns what is wrong with it, in words, when it is no fault. */
function parseFault(body: unknown): Fault | string {
  const { cloud, action, kind, times = 1 } = (body ?? {}) as Partial<Record<keyof Fault, unknown>>
  if (cloud !== 'aws') return 'cloud must be "aws".'
  if (typeof action !== 'string' || action === '')
    return 'action must name an action of the cloud, for instance "CreateDBSnapshot".'
  const known = FAULT_KINDS.find((candidate) => candidate === kind)
  if (!known) return `kind must be one of: ${FAULT_KINDS.join(', ')}.`
  if (typeof times !== 'number' || !Number.isInteger(times) || times < 1) return 'times must be a whole number, 1 or more.'
  return { cloud, action, kind: known, times }
}

function parseCidrs(body: unknown): string[] | string {
  const { cidrs } = (body ?? {}) as { cidrs?: unknown }
  if (Array.isArray(cidrs) && cidrs.every((cidr) => typeof cidr === 'string' && isCidr(cidr))) return cidrs as string[]
  return 'cidrs must be a list of IPv4 networks, for instance ["127.77.3.2/32"].'
}
