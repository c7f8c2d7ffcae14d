"""Every word that the product itself says: the text of the shipped prompt pack, by key.

`tools/prompts.py` renders this script once; the sounds under ``pack/`` are its recording, and a test
holds the two together. Whole phrases stand here where the count allows; only numbers above
twenty and codes are put together from pieces.

A key that ends in ``-on`` is said with the voice held up: more follows.
"""

from __future__ import annotations

from hotline.speech import english, russian

__all__ = ["LANGUAGES", "MORE_THAN", "POSITIONS", "WAITS", "WAITS_OVER", "digit_key", "script"]

LANGUAGES = ("ru", "en")

POSITIONS = range(1, 31)
"""Places in the queue that are said as a whole phrase."""

MORE_THAN = (1, 2, 3, 4, 5, 10, 15, 20, 25, 30, 40, 50, 100)

_RANGES = (
    (1, 2), (1, 3), (1, 4), (1, 5), (2, 3), (2, 4), (2, 5), (2, 6), (3, 5), (3, 6), (3, 7), (3, 8), (4, 6),
    (4, 8), (4, 10), (5, 7), (5, 8), (5, 10), (6, 10), (7, 10), (8, 10), (8, 12), (8, 15), (10, 12), (10, 15),
    (10, 20), (15, 20), (15, 25), (15, 30), (20, 25), (20, 30), (20, 40), (30, 40), (30, 45), (30, 60),
    (40, 60), (45, 60),
)  # fmt: skip

WAITS = (
    (0, 0),
    *((n, n) for n in (*range(1, 31), *range(35, 61, 5))),
    *((0, n) for n in (2, 3, 5, 10, 15, 20, 30, 60)),
    *_RANGES,
)
"""Waits in minutes, (low, high), that are said as a whole phrase."""

WAITS_OVER = (5, 10, 15, 20, 30, 45, 60)
"""Waits in minutes that are said as "more than"."""


def script(language: str) -> dict[str, str]:
    """Key -> text of every spoken sound of the pack in `language`, ``"ru"`` or ``"en"``."""
    grammar = {"ru": russian, "en": english}[language]
    texts = dict({"ru": _RUSSIAN, "en": _ENGLISH}[language])
    texts |= {f"position-{n}": grammar.position(n) for n in POSITIONS}
    texts |= {f"more-than-{n}": grammar.more_than(n) for n in MORE_THAN}
    texts |= {f"wait-{low}-{high}": grammar.wait(low, high) for low, high in WAITS}
    texts |= {f"wait-over-{n}": grammar.wait_over(n) for n in WAITS_OVER}
    texts |= {f"number-{n}": grammar.cardinal(n) + "." for n in _whole_numbers()}
    texts |= {f"number-{n}-on": _hundreds(language, n) for n in range(100, 1000, 100)}
    texts |= {f"number-{n}-on": grammar.cardinal(n) + "," for n in range(20, 100, 10)}
    texts |= {f"digit-{_KEY_NAMES.get(key, key)}": grammar.digits(key) + "." for key in _KEYPAD}
    texts |= {f"digit-{_KEY_NAMES.get(key, key)}-on": grammar.digits(key) + "," for key in _KEYPAD}
    return texts


def digit_key(digit: str, *, more: bool) -> str:
    """The pack's key of one key of the telephone."""
    return f"digit-{_KEY_NAMES.get(digit, digit)}" + ("-on" if more else "")


def _hundreds(language: str, number: int) -> str:
    if language == "en":
        return f"{english.cardinal(number)} and,"
    return f"{russian.cardinal(number)},"


def _whole_numbers() -> list[int]:
    return [*range(21), *range(30, 100, 10), *range(100, 1000, 100)]


_KEYPAD = "0123456789*#"
_KEY_NAMES = {"*": "star", "#": "hash"}

_RUSSIAN = {
    # the sample company
    "demo-greeting": "Здравствуйте! Вы позвонили в компанию «Северный ветер».",
    "demo-menu": (
        "Чтобы узнать о заказе, нажмите один. Техническая поддержка: два. "
        "Адрес и часы работы: три. Чтобы соединиться с оператором, нажмите ноль."
    ),
    "demo-hours": (
        "Мы работаем каждый день с девяти утра до девяти вечера по московскому времени. "
        "Звонок по этому номеру для вас бесплатный."
    ),
    "demo-closed": ("Сейчас мы не работаем. Звоните с девяти утра до девяти вечера по московскому времени."),
    # answering and menus
    "greeting": "Здравствуйте!",
    "welcome": "Здравствуйте! Спасибо, что позвонили.",
    "press-zero": "Чтобы соединиться с оператором, нажмите ноль.",
    "wrong-key": "Такого пункта в меню нет.",
    "no-input": "Вы ничего не нажали.",
    "try-again": "Попробуйте, пожалуйста, ещё раз.",
    "to-operator": "Соединяю вас с оператором.",
    "language-menu": "Для обслуживания на русском языке нажмите один.",
    "recording-notice": "Разговор записывается, чтобы мы могли работать лучше.",
    "recording-notice-refusable": (
        "Разговор записывается, чтобы мы могли работать лучше. Нажмите семь, чтобы разговор не записывался."
    ),
    "recording-refused": "Хорошо. Этот разговор записываться не будет.",
    # waiting
    "please-wait": "Пожалуйста, подождите. Вам ответит первый свободный оператор.",
    "all-busy": "Сейчас все операторы разговаривают. Пожалуйста, оставайтесь на линии.",
    "sorry-wait": "Извините, что приходится ждать. Пожалуйста, оставайтесь на линии.",
    "thanks-for-waiting": "Спасибо, что подождали.",
    "next-in-line": "Вы следующий. Оператор ответит вам совсем скоро.",
    "connecting": "Соединяю вас с оператором.",
    "place-kept": "Оператор не смог ответить. Ваше место в очереди сохранено.",
    "waited-too-long": "К сожалению, никто не смог ответить вам вовремя. Извините нас.",
    "queue-full": "К сожалению, сейчас слишком много звонков. Пожалуйста, перезвоните позже.",
    # closed, nobody there
    "closed": "К сожалению, сейчас мы не работаем. Пожалуйста, перезвоните в рабочее время.",
    "closed-leave-message": ("К сожалению, сейчас мы не работаем. Вы можете оставить сообщение, и мы вам перезвоним."),
    "no-operators": "К сожалению, сейчас нет ни одного оператора. Пожалуйста, перезвоните позже.",
    "no-operators-leave-message": (
        "К сожалению, сейчас нет ни одного оператора. Вы можете оставить сообщение, и мы вам перезвоним."
    ),
    # voicemail
    "voicemail": (
        "Пожалуйста, оставьте сообщение после сигнала. Чтобы закончить запись, нажмите решётку или положите трубку."
    ),
    "voicemail-saved": "Спасибо. Ваше сообщение сохранено.",
    "voicemail-empty": "Мы вас не услышали. Сообщение не сохранено.",
    "voicemail-full": "Время записи закончилось. Ваше сообщение сохранено.",
    # callback
    "callback-offer": ("Чтобы не ждать на линии, нажмите один. Ваше место в очереди сохранится, и мы вам перезвоним."),
    "callback-booked": "Хорошо. Мы перезвоним вам, когда подойдёт ваша очередь.",
    "callback-hello": ("Здравствуйте! Вы просили перезвонить. Чтобы поговорить с оператором, нажмите один."),
    # survey
    "survey-ask": ("Оцените, пожалуйста, разговор. Нажмите цифру от одного до пяти, где пять: отлично."),
    "survey-solved": "Мы решили ваш вопрос? Если да, нажмите один. Если нет, нажмите два.",
    "survey-thanks": "Спасибо за вашу оценку.",
    # trouble
    "reconnecting": "Одну секунду. Связь восстанавливается.",
    "technical-error": "Извините, произошла техническая ошибка. Пожалуйста, перезвоните нам.",
    "call-dropped": "Извините, связь с оператором прервалась. Сейчас вам ответит другой оператор.",
    "number-not-in-service": "Этот номер не обслуживается. Проверьте, пожалуйста, номер.",
    # endings
    "thank-you": "Спасибо за звонок.",
    "goodbye": "Спасибо за звонок. До свидания!",
    # operators' phones
    "operator-ready": "Вы готовы принимать звонки.",
    "operator-paused": "Вы на паузе. Звонки к вам не поступают.",
    "operator-back": "Пауза закончена. Вы снова принимаете звонки.",
    "operator-signed-out": "Вы вышли. Хорошего отдыха!",
    "operator-unknown": "Этот телефон не принадлежит ни одному оператору.",
    "operator-missed": "Вы пропустили звонки подряд, поэтому поставлены на паузу.",
    "operator-code-unknown": "Такого кода нет.",
    # tests of the line
    "echo": "Проверка связи. Говорите, и вы услышите себя с небольшой задержкой.",
    "echo-end": "Проверка связи закончена.",
}

_ENGLISH = {
    "demo-greeting": "Hello! You have reached North Wind.",
    "demo-menu": (
        "To ask about an order, press one. For technical support, press two. "
        "For our address and hours, press three. To speak to an operator, press zero."
    ),
    "demo-hours": (
        "We are open every day from nine in the morning until nine in the evening, Moscow time. "
        "Calls to this number are free."
    ),
    "demo-closed": (
        "We are closed at the moment. Please call between nine in the morning and nine in the evening, Moscow time."
    ),
    "greeting": "Hello!",
    "welcome": "Hello! Thank you for calling.",
    "press-zero": "To speak to an operator, press zero.",
    "wrong-key": "There is no such choice in this menu.",
    "no-input": "You have not pressed a key.",
    "try-again": "Please try again.",
    "to-operator": "Connecting you to an operator.",
    "language-menu": "For English, press two.",
    "recording-notice": "This call is recorded, to help us serve you better.",
    "recording-notice-refusable": (
        "This call is recorded, to help us serve you better. Press seven if you do not want it to be recorded."
    ),
    "recording-refused": "All right. This call will not be recorded.",
    "please-wait": "Please wait. The next free operator will answer you.",
    "all-busy": "All our operators are on the phone right now. Please stay on the line.",
    "sorry-wait": "We are sorry to keep you waiting. Please stay on the line.",
    "thanks-for-waiting": "Thank you for waiting.",
    "next-in-line": "You are next. An operator will be with you very soon.",
    "connecting": "Connecting you to an operator.",
    "place-kept": "The operator could not answer. Your place in the queue is kept.",
    "waited-too-long": "We are sorry, nobody could answer you in time.",
    "queue-full": "We are sorry, there are too many calls right now. Please call again later.",
    "closed": "We are sorry, we are closed at the moment. Please call again in working hours.",
    "closed-leave-message": (
        "We are sorry, we are closed at the moment. You can leave a message, and we will call you back."
    ),
    "no-operators": "We are sorry, there is no operator right now. Please call again later.",
    "no-operators-leave-message": (
        "We are sorry, there is no operator right now. You can leave a message, and we will call you back."
    ),
    "voicemail": ("Please leave your message after the tone. To finish, press the hash key or hang up."),
    "voicemail-saved": "Thank you. Your message has been saved.",
    "voicemail-empty": "We could not hear you. No message has been saved.",
    "voicemail-full": "The recording time is over. Your message has been saved.",
    "callback-offer": (
        "If you would rather not wait on the line, press one. "
        "You keep your place in the queue, and we will call you back."
    ),
    "callback-booked": "All right. We will call you when it is your turn.",
    "callback-hello": ("Hello! You asked us to call you back. To speak to an operator, press one."),
    "survey-ask": ("Please rate this conversation. Press a key from one to five, where five is excellent."),
    "survey-solved": "Did we solve your problem? If yes, press one. If no, press two.",
    "survey-thanks": "Thank you for your rating.",
    "reconnecting": "One moment please. We are reconnecting.",
    "technical-error": "We are sorry, something went wrong. Please call us again.",
    "call-dropped": "We are sorry, the operator was cut off. Another operator will answer you.",
    "number-not-in-service": "This number is not in service. Please check the number.",
    "thank-you": "Thank you for calling.",
    "goodbye": "Thank you for calling. Goodbye!",
    "operator-ready": "You are ready to take calls.",
    "operator-paused": "You are on pause. No calls will reach you.",
    "operator-back": "Your pause is over. You are taking calls again.",
    "operator-signed-out": "You are signed out. Have a good rest!",
    "operator-unknown": "This phone does not belong to an operator.",
    "operator-missed": "You have missed several calls in a row, so you are on pause now.",
    "operator-code-unknown": "There is no such code.",
    "echo": "This is a line test. Speak, and you will hear yourself with a short delay.",
    "echo-end": "The line test is over.",
}
