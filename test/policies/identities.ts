/** The policies that are shipped, handed to a lab as they lie in `infra/policies/`, for new credentials. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { AccessKey } from '../../lab/credentials'
import type { TestLab } from '../lab/fixture'

const FOLDER = join(__dirname, '../../infra/policies')
export type Who = 'operator' | 'cleaner' | 'reader'

/** `edit`: for suites whose own instances bear other names than those that Capstan gives. */
type Edit = (text: string) => string
const asShipped: Edit = (text) => text

const shipped = (file: string, edit: Edit): unknown => parse(edit(readFileSync(join(FOLDER, file), 'utf8')))

export async function awsIdentity(lab: TestLab, who: Who, edit = asShipped): Promise<AccessKey> {
  return (await made(lab, `aws-${who}`, { cloud: 'aws', policies: [shipped(`aws/${who}.json`, edit)] })) as AccessKey
}

interface ResourceGroups {
  readonly production: string
  readonly copies: string
  /** Where it may delete; absent: in `copies` alone. */
  readonly cleaned?: readonly string[]
}

/** Assigned as docs/permissions.md says. `groups`: null for the whole subscription, where that makes sense. */
export async function azureIdentity(lab: TestLab, who: 'operator' | 'cleaner', groups: ResourceGroups): Promise<string>
export async function azureIdentity(lab: TestLab, who: 'reader', groups: null): Promise<string>
export async function azureIdentity(lab: TestLab, who: Who, groups: ResourceGroups | null): Promise<string> {
  const subscription = lab.lab.credentials.azure.subscriptionId
  const assigned = (name: Who, group: string | null) => ({
    scope: `/subscriptions/${subscription}${group === null ? '' : `/resourceGroups/${group}`}`,
    role: shipped(`azure/${name}.role.json`, (text) => text.replaceAll('SUBSCRIPTION', subscription)),
  })
  const { production, copies, cleaned = [copies] } = groups ?? { production: null, copies: null }
  const cleaning = cleaned.map((group) => assigned('cleaner', group))
  const assignments = {
    operator: [assigned('operator', production), assigned('operator', copies), ...cleaning],
    cleaner: cleaning,
    reader: [assigned('reader', production)],
  }[who]
  const { token } = (await made(lab, `azure-${who}`, { cloud: 'azure', assignments })) as { token: string }
  return token
}

/** Bound as docs/permissions.md says. */
export async function gcpIdentity(lab: TestLab, who: Who, edit = asShipped): Promise<string> {
  const role = (name: string) => shipped(`gcp/${name}.role.yaml`, asShipped)
  const condition = shipped('gcp/cleaner.condition.yaml', edit)
  const cleaning = { role: role('cleaner'), condition }
  const bindings = {
    operator: [{ role: role('operator') }, cleaning],
    cleaner: [{ role: role('reader') }, cleaning],
    reader: [{ role: role('reader') }],
  }[who]
  const { accessToken } = (await made(lab, `gcp-${who}`, { cloud: 'gcp', bindings })) as { accessToken: string }
  return accessToken
}

async function made(lab: TestLab, name: string, body: object): Promise<unknown> {
  const answer = await lab.call('PUT', `/_lab/identities/${name}`, body)
  if (answer.status !== 200) throw new Error(`the lab refused ${name}: ${JSON.stringify(answer.body)}`)
  return answer.body.credentials
}
