/** A blue/green deployment → RDS's description of it. What green is called stays out until it is there. */
import type { BlueGreenDeployment, SwitchoverDetail } from '../generated/answers'
import { type AwsState, arn, type DbInstance } from '../state'
import { tagList } from '../views'
import { instanceOf, membersOf, statusOf, whyInvalid } from './members'
import type { Deployment, DeploymentMember } from './state'

export function deploymentView(state: AwsState, deployment: Deployment): BlueGreenDeployment {
  const status = statusOf(state, deployment)
  const details = membersOf(deployment).map((member) => detailOf(state, deployment.region, member))
  const invalid = status === 'INVALID_CONFIGURATION' ? whyInvalid(state, deployment) : null
  return {
    BlueGreenDeploymentIdentifier: deployment.id,
    BlueGreenDeploymentName: deployment.name,
    Source: details[0]?.SourceMember,
    Target: details[0]?.TargetMember,
    SwitchoverDetails: details,
    Tasks: deployment.steps.map(({ name: Name, status: Status }) => ({ Name, Status })),
    Status: status,
    StatusDetails: invalid ?? deployment.details,
    CreateTime: deployment.createdAt,
    DeleteTime: deployment.deletedAt,
    TagList: tagList(deployment.tags),
  }
}

function detailOf(state: AwsState, region: string, member: DeploymentMember): SwitchoverDetail {
  const [blue, green] = [instanceOf(state, member.blue), instanceOf(state, member.green)]
  const shown = green === undefined || green.createdAt !== null
  return {
    SourceMember: arn(region, 'db', blue?.id ?? member.blueId),
    TargetMember: shown ? arn(region, 'db', green?.id ?? member.greenId) : undefined,
    Status: memberStatus(member, blue, green),
  }
}

function memberStatus({ status }: DeploymentMember, blue?: DbInstance, green?: DbInstance): string {
  if (!blue) return 'MISSING_SOURCE'
  return green ? status : 'MISSING_TARGET'
}
