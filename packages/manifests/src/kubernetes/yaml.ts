import { Document, visit } from 'yaml';
import type { KubernetesObject } from './object.ts';

// kubectl and Argo CD read YAML with sigs.k8s.io/yaml, a YAML 1.1 reader: a plain `no` is false there, `y` too, `1:30` is
// 90, and `0o17`, `1_000` and `1e3` are numbers. What begins like a number and has no other characters than numbers and
// dates have is quoted, and so are the two marks of YAML 1.1 that readers still know; the words are in the library.
const READ_OTHERWISE = /^(?:[-+.\d][\dA-Fa-fOoXxTtZz_.:+\- ]*|=|<<)$/;

/** An object as YAML that readers of YAML 1.1 and of 1.2 take for the same object. */
export function toYaml(object: KubernetesObject): string {
  const document = new Document(object, { version: '1.1' });
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string' && READ_OTHERWISE.test(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0 });
}
