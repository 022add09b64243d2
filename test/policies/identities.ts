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

/** `resourceGroup`: null for the whole subscription. */
export async function azureIdentity(lab: TestLab, who: Who, resourceGroup: string | null): Promise<string> {
  const subscription = lab.lab.credentials.azure.subscriptionId
  const role = shipped(`azure/${who}.role.json`, (text) => text.replaceAll('SUBSCRIPTION', subscription))
  const scope = `/subscriptions/${subscription}${resourceGroup === null ? '' : `/resourceGroups/${resourceGroup}`}`
  const { token } = (await made(lab, `azure-${who}`, { cloud: 'azure', assignments: [{ scope, role }] })) as { token: string }
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
