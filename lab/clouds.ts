/** The simulated clouds of a lab, put together. Another cloud is a line in each function here, and a key of `LabState`. */
import { join } from 'node:path'
import { Addresses } from './addresses'
import { awsOffer } from './aws/faults/offer'
import { startAws } from './aws/start'
import { endpointHosts } from './azure/endpoints'
import { azureOffer } from './azure/faults/offer'
import { startAzure } from './azure/start'
import type { CloudGround, SimulatedCloud } from './cloud'
import type { LabCredentials } from './credentials'
import type { FaultOffer } from './faults/offer'
import { gcpOffer } from './gcp/faults/offer'
import { startGcp } from './gcp/start'
import type { LabState } from './state'

export function faultOffers(state: LabState): readonly FaultOffer[] {
  return [awsOffer(state.aws), azureOffer(state.azure), gcpOffer(state.gcp)]
}

/** Every instance of every cloud, as far as it takes an address. */
export function instancesIn(state: LabState): readonly { host: number }[] {
  const { aws, azure, gcp } = state
  // an Aurora cluster has two endpoints beside those of its members
  const endpoints = Object.values(aws.clusters).flatMap(({ writerHost, readerHost }) => [
    { host: writerHost },
    { host: readerHost },
  ])
  return [
    ...Object.values(aws.instances),
    // one that the lab stands in front of has another beside it
    ...Object.values(aws.instances).flatMap(({ innerHost }) => (innerHost === undefined ? [] : [{ host: innerHost }])),
    ...endpoints,
    ...Object.values(aws.globalClusters ?? {}),
    ...Object.values(azure.servers),
    ...endpointHosts(azure),
    ...Object.values(gcp.instances),
  ]
}

export function startClouds(
  state: LabState,
  credentials: LabCredentials,
  common: Omit<CloudGround, 'addresses'>,
): readonly SimulatedCloud[] {
  const addresses = new Addresses(state, () => instancesIn(state).map(({ host }) => host))
  const groundOf = (cloud: string): CloudGround => ({ ...common, addresses, stateDir: join(common.stateDir, cloud) })
  const { securityGroups } = state
  return [
    startAws({ ...groundOf('aws'), state: state.aws, accessKey: credentials.aws, securityGroups }),
    startAzure({ ...groundOf('azure'), state: state.azure, token: credentials.azure.token }),
    startGcp({ ...groundOf('gcp'), state: state.gcp, accessToken: credentials.gcp.accessToken }),
  ]
}
