import { text } from '@gitops/report/options';

/** What `make plan` and `make apply` otherwise refuse, named exactly as they name it. */
export const acceptOption = text('what is meant although it takes something down, as the refusal names it', {
  placeholder: 'STACK/SETTING',
});
