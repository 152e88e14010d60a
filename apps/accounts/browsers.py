"""What a browser calls itself, in words that its owner recognises."""

BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "FxiOS": "Firefox",
    "Chrome/": "Chrome",
    "CriOS": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS X": "Mac",
    "Linux": "Linux",
}


def browser_words(user_agent: str) -> str:
    """ "Firefox on Windows"; what we do not know is called so."""
    browser = next((words for sign, words in BROWSERS.items() if sign in user_agent), "Unknown browser")
    system = next((words for sign, words in SYSTEMS.items() if sign in user_agent), "")
    return f"{browser} on {system}" if system else browser
