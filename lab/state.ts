/** What the lab as a whole remembers, beside what each simulated cloud does. */
import { randomBytes } from 'node:crypto'
import { type AwsState, emptyAwsState } from './aws/state'
import { type AzureState, emptyAzureState } from './azure/state'
import type { Fault } from './faults/fault'
import { emptyGcpState, type GcpState } from './gcp/state'
import type { Route } from './router/router'
import type { SecurityGroup } from './security-groups'

export interface LabState {
  version: 2
  block: string
  /** The address that was given last: `<block>.<lastHost>`. */
  lastHost: number
  /** Kept, so that clients find a restarted lab where it was. 0 until first known. */
  apiPort: number
  /** Of the same API over TLS; absent in what older labs kept. */
  tlsPort?: number
  dataPort: number
  /** Of the name service; absent in what older labs kept. */
  namePort?: number
  /** Of the administrator of every server of the lab; never leaves this file. */
  administratorPassword: string
  securityGroups: Record<string, SecurityGroup>
  /** The router's names; absent in what older labs kept. */
  routes?: Record<string, Route>
  faults: Fault[]
  faultsOrdered: number
  aws: AwsState
  azure: AzureState
  gcp: GcpState
}

export function newLabState(block: string): LabState {
  return {
    version: 2,
    block,
    lastHost: 0,
    apiPort: 0,
    dataPort: 0,
    administratorPassword: randomBytes(24).toString('base64url'),
    securityGroups: {},
    faults: [],
    faultsOrdered: 0,
    aws: emptyAwsState(),
    azure: emptyAzureState(),
    gcp: emptyGcpState(),
  }
}
