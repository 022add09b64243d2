/** DescribeAccountAttributes: the quotas that this lab keeps, and how much of each is used. */
import type { Operation } from '../cloud'
import { QUOTAS } from '../quotas'

export const describeAccountAttributes: Operation<'DescribeAccountAttributes'> = async ({ cloud, region }) => ({
  AccountQuotas: Object.values(QUOTAS).map(({ name, max, used }) => ({
    AccountQuotaName: name,
    Used: used(cloud.state, region),
    Max: max,
  })),
})
