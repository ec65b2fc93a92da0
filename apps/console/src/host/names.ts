/** What operators of a host are called. Who may not see all of them sees those who are in a session, and ids. */
import { type HostClient, OperatorKind, type Session } from "@holdfast/sdk";
import { useEffect, useState } from "react";

export interface Named {
  readonly name: string;
  readonly kind: OperatorKind;
}

export type Names = (operator: string) => Named;

export function useNames(client: HostClient, session: Session): Names {
  const [known, setKnown] = useState<ReadonlyMap<string, Named>>(new Map());
  useEffect(() => {
    let isLeft = false;
    client.operatorList().then(
      (all) => isLeft || setKnown(new Map(all.map((one) => [one.id, one]))),
      () => {},
    );
    return () => {
      isLeft = true;
    };
  }, [client]);
  return (operator) => {
    const one = known.get(operator) ?? session.operators.find((p) => p.operator === operator);
    return one ?? { name: operator.replace(/^system:/, "") || "host", kind: OperatorKind.UNSPECIFIED };
  };
}
