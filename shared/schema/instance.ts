import { z } from 'zod';

/** A machine of Amazon EC2, as its own metadata service tells. */
export const Ec2Instance = z.strictObject({
  account: z
    .string()
    .regex(/^\d{12}$/, 'must be 12 digits')
    .describe('AWS account that it runs in.'),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region such as eu-west-1')
    .describe('Region that it runs in.'),
  id: z
    .string()
    .regex(/^i-[0-9a-f]{8,17}$/, 'must be an instance such as i-0123456789abcdef0')
    .describe('Its ID.'),
});
export type Ec2Instance = z.infer<typeof Ec2Instance>;
