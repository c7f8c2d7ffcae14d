"""An operator's phone that registers makes its operator ready."""

from tests.kit.hotline import Hotline
from tests.kit.phones import Phones

OFFICE = "127.0.0.5:0"
"""Another address than the trunk's, whose REGISTER would be refused."""


def test_a_registered_phone_is_rung_where_it_registered_from(hotline: Hotline, phones: Phones) -> None:
    """No address in the file: the registration says where."""
    server = f"127.0.0.1:{hotline.sip_port}"
    phones.listen("olga", bind=OFFICE, answer_after_ms=50)
    phones.do("register", phone="olga", server=server, user="olga", password="correct horse", expires=60)
    phones.expect("registered", phone="olga")
    phones.call("alisa", hotline.uri(709), from_="+70000000001")
    talking = phones.expect("incoming", phone="olga")["call"]
    phones.expect("acked", call=talking)
    phones.do("hangup", call="alisa")
    phones.expect("ended", call=talking)
    phones.do("unregister", phone="olga")
    phones.expect("unregistered", phone="olga")


def test_a_wrong_password_registers_nothing(hotline: Hotline, phones: Phones) -> None:
    """And says no more than that."""
    phones.listen("olga", bind=OFFICE)
    phones.do("register", phone="olga", server=f"127.0.0.1:{hotline.sip_port}", user="olga", password="wrong")

    assert "401" in phones.expect("unregistered", phone="olga")["reason"]
    assert not phones.seen("registered", phone="olga")
