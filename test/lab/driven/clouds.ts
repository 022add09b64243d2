/** The three clouds of a lab, driven. */
import { awsDriven, type DrivenAws } from './aws'
import { azureDriven, type DrivenAzure } from './azure'
import type { LabOfNow } from './cloud'
import { type DrivenGcp, gcpDriven } from './gcp'

// no interface: those give nothing to Object.values but `any`
export type DrivenClouds = {
  readonly aws: DrivenAws
  readonly azure: DrivenAzure
  readonly gcp: DrivenGcp
}

export function drivenClouds(lab: LabOfNow): DrivenClouds {
  return { aws: awsDriven(lab), azure: azureDriven(lab), gcp: gcpDriven(lab) }
}
