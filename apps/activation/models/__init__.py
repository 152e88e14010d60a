"""Rows of activation: rules and what they did; onboardings and their days."""

from .onboarding import Onboarding, OnboardingDay, OnboardingStart, OnboardingState
from .rules import Rule, RuleEvent, RuleList, RuleMember

__all__ = [
    "Onboarding",
    "OnboardingDay",
    "OnboardingStart",
    "OnboardingState",
    "Rule",
    "RuleEvent",
    "RuleList",
    "RuleMember",
]
