import { type Kind, type Kinds, text } from './kind.ts';

// S3. Known: that a bucket's settings need the bucket, and that one with objects stays. Not known: that names are taken
// in all of AWS, and what a bucket policy refuses.

const ofBucket: Kind = {
  overwrites: true,
  id: ({ values }) => text(values, 'bucket'),
  fixed: ['bucket'],
  references: [{ from: (values) => [text(values, 'bucket')], to: 'aws_s3_bucket', missingError: 'NoSuchBucket' }],
  computed: ['id'],
};

export const s3: Kinds = {
  aws_s3_bucket: {
    id: ({ values }) => text(values, 'bucket'),
    fixed: ['bucket'],
    existsError: 'BucketAlreadyOwnedByYou',
    checkDelete: ({ thing, find, fail }) => {
      if (find('s3_object', ({ values }) => values.bucket === thing.id) !== undefined)
        fail('BucketNotEmpty', 'The bucket you tried to delete is not empty');
    },
    computed: ['id', 'arn', 'bucket_domain_name', 'bucket_regional_domain_name', 'hosted_zone_id'],
    fill: ({ id }) => ({
      arn: `arn:aws:s3:::${id}`,
      bucket_domain_name: `${id}.s3.amazonaws.com`,
      bucket_regional_domain_name: `${id}.s3.amazonaws.com`,
      hosted_zone_id: 'Z0',
    }),
  },
  aws_s3_bucket_public_access_block: ofBucket,
  aws_s3_bucket_versioning: ofBucket,
  aws_s3_bucket_server_side_encryption_configuration: ofBucket,
  aws_s3_bucket_policy: ofBucket,
  aws_s3_bucket_lifecycle_configuration: ofBucket,
  aws_s3_account_public_access_block: {
    overwrites: true,
    scope: 'account',
    id: ({ caller }) => caller.accountId,
    computed: ['id', 'account_id'],
    fill: ({ caller }) => ({ account_id: caller.accountId }),
  },
};
