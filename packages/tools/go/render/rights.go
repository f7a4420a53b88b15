package main

import (
	"github.com/argoproj/argo-cd/v3/assets"
	"github.com/argoproj/argo-cd/v3/util/rbac"
)

// Rights asks Argo CD who may do what, as `argocd admin settings rbac can` does, but of many at once.
type Rights struct {
	// The data of argocd-rbac-cm.
	Settings map[string]string `json:"settings"`
	// Subject, resource, action and object of each question.
	Questions [][4]string `json:"questions"`
}

type RightsAnswer struct {
	// In the order of the questions.
	Allowed []bool `json:"allowed"`
	// Why Argo CD cannot read the policy; nothing else is answered then.
	Error string `json:"error,omitempty"`
}

func rights(asked Rights) RightsAnswer {
	user := rbac.PolicyCSV(asked.Settings)
	if err := rbac.ValidatePolicy(user); err != nil {
		return RightsAnswer{Error: err.Error()}
	}
	builtIn, err := assets.Embedded.ReadFile("builtin-policy.csv")
	if err != nil {
		return RightsAnswer{Error: err.Error()}
	}
	enforcer := rbac.NewEnforcer(nil, namespace, "argocd-rbac-cm", nil)
	enforcer.SetDefaultRole(asked.Settings["policy.default"])
	enforcer.SetMatchMode(asked.Settings["policy.matchMode"])
	if err := enforcer.SetBuiltinPolicy(string(builtIn)); err != nil {
		return RightsAnswer{Error: err.Error()}
	}
	if err := enforcer.SetUserPolicy(user); err != nil {
		return RightsAnswer{Error: err.Error()}
	}
	answer := RightsAnswer{Allowed: make([]bool, len(asked.Questions))}
	for i, question := range asked.Questions {
		answer.Allowed[i] = enforcer.Enforce(question[0], question[1], question[2], question[3])
	}
	return answer
}
