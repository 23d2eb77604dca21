/** The fields of a class: every value that its body gives to `this.name`. */
import type { SourceCode } from 'eslint';
import { below, type ClassNode, classOfThis, memberName, type Node, nameOf, parameterName, unwrap } from './syntax.ts';

/** What a parameter stands for is asked where it is used. */
export function fieldValues(code: SourceCode, owner: ClassNode, name: string): readonly Node[] {
  const values: Node[] = [];
  for (const member of owner.body.body) {
    if (member.type === 'PropertyDefinition' && nameOf(member.key, member.computed) === name && member.value)
      values.push(member.value);
    if (member.type === 'MethodDefinition' && member.kind === 'constructor') {
      for (const parameter of member.value.params) {
        const declared = (parameter.type as string) === 'TSParameterProperty' ? parameterName(parameter) : undefined;
        if (declared?.name === name) values.push(declared);
      }
    }
  }
  for (const node of below(code, owner.body)) {
    if (node.type !== 'AssignmentExpression' || node.left.type !== 'MemberExpression') continue;
    const { object } = node.left;
    if (unwrap(object).type !== 'ThisExpression' || classOfThis(object) !== owner) continue;
    if (memberName(node.left) === name) values.push(node.right);
  }
  return values;
}
