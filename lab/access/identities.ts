/** Who may call beside the owner of the lab, whose credentials of `credentials.json` may do everything: identities that were made over the lab's own
 *  API, each with credentials of one cloud and with that cloud's own policy. Kept in `identities.json`, which its owner alone may read. */
import { randomBytes, randomUUID } from 'node:crypto'
import { type AwsStatement, parsePolicy } from '../aws/access/policy'
import { type Assignment, parseAssignments } from '../azure/access/roles'
import { type AccessKey, bears } from '../credentials'
import { type Binding, parseBindings } from '../gcp/access/bindings'
import type { Store } from '../store'
import { list, onlyFields, PolicyRefused, record } from './refusal'

interface Named {
  readonly name: string
}

export interface AwsIdentity extends Named {
  readonly cloud: 'aws'
  readonly accessKey: AccessKey
  readonly statements: readonly AwsStatement[]
}

export interface AzureIdentity extends Named {
  readonly cloud: 'azure'
  readonly token: string
  /** As errors name it. */
  readonly objectId: string
  readonly assignments: readonly Assignment[]
}

export interface GcpIdentity extends Named {
  readonly cloud: 'gcp'
  readonly accessToken: string
  readonly bindings: readonly Binding[]
}

export type Identity = AwsIdentity | AzureIdentity | GcpIdentity

export interface IdentityState {
  identities: Record<string, Identity>
}

export class Identities {
  readonly #store: Store<IdentityState>

  constructor(store: Store<IdentityState>) {
    this.#store = store
  }

  /** Made anew, with other credentials, when there is one of the name. @throws PolicyRefused. */
  async put(name: string, body: unknown): Promise<Identity> {
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
      throw new PolicyRefused(`"${name.slice(0, 80)}" is no name for an identity: lower-case letters, digits and hyphens.`)
    }
    const identity = identityOf(name, record(body, 'The identity'))
    this.#store.state.identities[name] = identity
    await this.#store.save()
    return identity
  }

  list(): readonly { name: string; cloud: string }[] {
    return Object.values(this.#store.state.identities).map(({ name, cloud }) => ({ name, cloud }))
  }

  /** False: there is none of that name. */
  async remove(name: string): Promise<boolean> {
    if (!Object.hasOwn(this.#store.state.identities, name)) return false
    delete this.#store.state.identities[name]
    await this.#store.save()
    return true
  }

  async clear(): Promise<void> {
    this.#store.state.identities = {}
    await this.#store.save()
  }

  aws(accessKeyId: string): AwsIdentity | undefined {
    return this.#of('aws').find(({ accessKey }) => accessKey.accessKeyId === accessKeyId)
  }

  azure(authorization: string | undefined): AzureIdentity | undefined {
    const bearer = `Bearer ${(authorization ?? '').replace(/^bearer +/i, '')}`
    return this.#of('azure').find(({ token }) => bears(bearer, token))
  }

  gcp(authorization: string | undefined): GcpIdentity | undefined {
    return this.#of('gcp').find(({ accessToken }) => bears(authorization, accessToken))
  }

  #of<C extends Identity['cloud']>(cloud: C): Extract<Identity, { cloud: C }>[] {
    return Object.values(this.#store.state.identities).filter(
      (identity): identity is Extract<Identity, { cloud: C }> => identity.cloud === cloud,
    )
  }
}

function identityOf(name: string, body: Readonly<Record<string, unknown>>): Identity {
  if (body.cloud === 'aws') {
    onlyFields(body, ['cloud', 'policies'], 'The identity')
    const statements = list(body.policies, 'policies').flatMap((policy) => parsePolicy(policy))
    const accessKeyId = `LAB${randomBytes(8).toString('hex').toUpperCase()}`
    return { name, cloud: 'aws', accessKey: { accessKeyId, secretAccessKey: randomBytes(30).toString('base64url') }, statements }
  }
  if (body.cloud === 'azure') {
    onlyFields(body, ['cloud', 'assignments'], 'The identity')
    const assignments = parseAssignments(body.assignments)
    return { name, cloud: 'azure', token: randomBytes(32).toString('base64url'), objectId: randomUUID(), assignments }
  }
  if (body.cloud === 'gcp') {
    onlyFields(body, ['cloud', 'bindings'], 'The identity')
    const bindings = parseBindings(body.bindings)
    return { name, cloud: 'gcp', accessToken: `ya29.lab-${randomBytes(40).toString('base64url')}`, bindings }
  }
  throw new PolicyRefused('cloud must be aws, azure or gcp.')
}
